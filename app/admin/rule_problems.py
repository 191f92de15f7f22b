"""Why a rule could not be used, by field; pure."""

from collections.abc import Iterator

from agents.router.rule_expressions import find_expression_problems
from agents.router.templates.cache import UNKNOWN_TEMPLATE, TemplateCache, TemplateFailure
from app.admin.category_problems import find_misspelt_category
from schemas.channels import get_channel
from schemas.policy import Policy, Rule


def find_rule_problems(rule: Rule, templates: TemplateCache, before: Policy, after: Policy) -> Iterator[tuple[str, str]]:
    """The fields of a rule that are wrong, and why; `templates` are those of the policy `after`, which has this rule."""
    if problem := find_misspelt_category(rule, before, after):
        yield "category", problem
    for index, channel in enumerate(rule.channels):
        if channel in rule.channels[:index]:
            yield f"channels[{index}]", f"{channel} is listed twice"
    if rule.mandatory and rule.consent == "opt_in":
        yield "consent", "a mandatory rule cannot ask for an opt-in: what is mandatory is sent without one"
    yield from ((field, str(problem)) for field, problem in find_expression_problems(rule))
    yield from (("template", problem) for problem in find_missing_templates(rule, templates))


def find_missing_templates(rule: Rule, templates: TemplateCache) -> Iterator[str]:
    """The channels of a rule for which a user without a locale would get nothing."""
    for channel in dict.fromkeys(rule.channels):
        if get_channel(channel).build_content is None:
            template = templates.get(rule.template or rule.type, channel, "")
            if isinstance(template, TemplateFailure) and template.reason == UNKNOWN_TEMPLATE:
                yield template.error
