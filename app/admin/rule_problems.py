"""Why a rule could not be used, and what its author should know, by field; pure."""

from collections.abc import Iterator

from agents.router.rule_expressions import find_expression_problems
from agents.router.templates.cache import UNKNOWN_TEMPLATE, TemplateCache, TemplateFailure
from app.admin.category_problems import find_misspelt_category
from schemas import cron
from schemas.channels import get_channel
from schemas.email_option_problems import find_option_problems
from schemas.email_options import decode_options
from schemas.lifetimes import NOTIFICATION_EXPIRY
from schemas.names import SPACES, find_name_problem
from schemas.policy import DigestPolicy, Policy, Rule
from schemas.policy_document import RuleEntry


def find_rule_problems(rule: Rule, templates: TemplateCache, before: Policy, after: Policy) -> Iterator[tuple[str, str]]:
    """The fields of a rule that are wrong, and why; `templates` are those of the policy `after`, which has this rule."""
    names = {"type": rule.type, "category": rule.category, "template": rule.template}
    yield from ((field, SPACES) for field, name in names.items() if find_name_problem(name))
    if problem := find_misspelt_category(rule, before, after):
        yield "category", problem
    for index, channel in enumerate(rule.channels):
        if channel in rule.channels[:index]:
            yield f"channels[{index}]", f"{channel} is listed twice"
    if rule.mandatory and rule.consent == "opt_in":
        yield "consent", "a mandatory rule cannot ask for an opt-in: what is mandatory is sent without one"
    yield from _find_escalation_problems(rule)
    yield from ((field, str(problem)) for field, problem in find_expression_problems(rule))
    if rule.digest:
        yield from _find_digest_problems(rule.digest)
    if options := decode_options(rule.email_options):
        yield from ((f"email_options.{field}", problem) for field, problem in find_option_problems(options, is_of_rule=True))
    yield from find_foreign_templates(rule, after)
    yield from find_missing_templates(rule, templates)


def find_foreign_templates(rule: Rule, policy: Policy) -> Iterator[tuple[str, str]]:
    """The fields of a rule that name a template of another project than its type."""
    names = {"template": rule.template, "digest.template": rule.digest.template if rule.digest else ""}
    for field, name in names.items():
        if name and policy.find_project(name) != policy.find_project(rule.type):
            yield field, f"{name!r} is of another project than the type {rule.type!r}: a rule has templates of its own project"


def _find_digest_problems(digest: DigestPolicy) -> Iterator[tuple[str, str]]:
    if digest.window and digest.cron:
        yield "digest", "has a window and a cron expression: give one of them"
    if digest.by_default and not digest.window and not digest.cron:
        yield "digest", "needs a `window` in seconds or a `cron` expression; without both, `by_default: false` leaves it to the users"
    if digest.cron and (problem := cron.find_problem(digest.cron)):
        yield "digest.cron", problem


def _find_escalation_problems(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.strategy != "escalate":
        if rule.escalate_after:
            yield "escalate_after", f"has no effect with the strategy {rule.strategy}: use the strategy escalate, or leave it out"
        return
    if not rule.escalate_after:
        yield "escalate_after", "is missing: the strategy escalate needs the seconds until the next channel follows"
    if len(rule.channels) < 2:
        yield "channels", "the strategy escalate needs two channels at least"
    last_at, expires_after = rule.escalate_after * (len(rule.channels) - 1), rule.expires_after or NOTIFICATION_EXPIRY
    if last_at >= expires_after:
        problem = f"the last channel would follow after {last_at} s, when the notification has expired: it lives {expires_after} s"
        yield "escalate_after", problem


def find_rule_notices(rule: Rule | RuleEntry) -> Iterator[tuple[str, str]]:
    """The fields of a rule that can be used and may not do what was meant, and why."""
    if rule.strategy != "escalate" or rule.escalate_unless != "read":
        return
    silent = [get_channel(channel).word for channel in rule.channels[:-1] if not get_channel(channel).reports_reads]
    if silent:
        words = " and ".join(dict.fromkeys(silent))
        yield "escalate_unless", f"{words} cannot report that a message was read: the next channel follows unless the app marks it as read"


def find_missing_templates(rule: Rule, templates: TemplateCache) -> Iterator[tuple[str, str]]:
    """The channels of a rule for which a user without a locale would get nothing: the field that names the template, and why."""
    names = {"template": rule.template or rule.type, "digest.template": rule.digest.template if rule.digest else ""}
    for channel in dict.fromkeys(rule.channels):
        if get_channel(channel).build_content is not None:
            continue
        for field, name in names.items():
            template = templates.get(name, channel, "") if name else None
            if isinstance(template, TemplateFailure) and template.reason == UNKNOWN_TEMPLATE:
                yield field, template.error
