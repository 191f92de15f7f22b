"""A file of rules, templates and rate limits, as `herold policy` reads and prints it; pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.categories import Consent, QuietHoursPolicy
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.email_options import EmailOptions, decode_options, encode_options
from schemas.enums import Priority
from schemas.lifetimes import MAX_RATE_WINDOW, NOTIFICATION_EXPIRY
from schemas.notification import Name
from schemas.policy import (
    MAX_EXPRESSION,
    DigestPolicy,
    EscalateUnless,
    Policy,
    PriorityCase,
    RateLimit,
    Rule,
    Strategy,
    Template,
    TemplateDetails,
)
from schemas.projects import OptionalProject
from schemas.template_document import (
    Locale,
    PartialEntry,
    TemplateDocument,
    build_details,
    build_partial_documents,
    build_partials,
    build_template_document,
    build_templates,
    find_part_problems,
)
from schemas.template_variants import find_variant_problems

MAX_INTEGER = 2**31 - 1
Expression = Annotated[str, Meta(min_length=1, max_length=MAX_EXPRESSION)]


class PriorityCaseEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The priority of the notifications for which the expression `when` is true."""

    when: Expression
    priority: Priority


class RuleEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule; without `template`, the type names it."""

    type: Name
    category: Name
    priority: Priority | None = None
    channels: Annotated[list[ChannelName], Meta(min_length=1, max_length=len(CHANNEL_NAMES))]
    strategy: Strategy = "all"
    template: Annotated[str, Meta(max_length=128)] = ""
    mandatory: bool = False
    consent: Literal["", Consent] = ""
    quiet_hours: Literal["", QuietHoursPolicy] = ""
    over_limit: Literal["reject", "hold"] = "reject"
    condition: Annotated[str, Meta(max_length=MAX_EXPRESSION)] = ""
    priorities: Annotated[list[PriorityCaseEntry], Meta(max_length=20)] = []
    expires_after: Annotated[int, Meta(ge=0, le=NOTIFICATION_EXPIRY)] = 0
    digest: DigestPolicy | None = None
    escalate_after: Annotated[int, Meta(ge=0, le=NOTIFICATION_EXPIRY)] = 0
    escalate_unless: EscalateUnless = "delivered"
    email_options: EmailOptions | None = None


class RateLimitEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """At most `max_count` notifications per user in any window of `window_seconds`; without `channel`, on all channels together.

    It is for the users of its `project`, empty for the default one.
    """

    channel: ChannelName | Literal[""] = ""
    category: Annotated[str, Meta(max_length=128)] = ""
    tier: Annotated[str, Meta(max_length=128)] = ""
    max_count: Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
    window_seconds: Annotated[int, Meta(ge=1, le=MAX_RATE_WINDOW)]
    project: OptionalProject = ""


class PolicyDocument(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The contents of a file; templates by name. One that it names has these channels and locales only."""

    rules: list[RuleEntry] = []
    rate_limits: list[RateLimitEntry] = []
    templates: dict[Name, TemplateDocument] = {}
    partials: dict[Name, Annotated[dict[Locale, PartialEntry], Meta(min_length=1)]] = {}


ChangeKind = Literal["rule", "template", "partial", "rate_limit"]


class PolicyChange(Struct, frozen=True):
    """A rule, template, partial or rate limit that is new or different; `version` is its new one."""

    kind: ChangeKind
    name: str
    change: Literal["added", "changed"]
    version: int = 0


def build_document(policy: Policy) -> PolicyDocument:
    """The document that gives this policy."""
    details = {one.name: one for one in policy.template_details}
    templates = {
        name: build_template_document([template for template in policy.templates if template.name == name], details.get(name))
        for name in sorted(_list_template_names(policy))
    }
    rules = [build_rule_entry(rule) for _, rule in sorted(policy.rules.items())]
    limits = [RateLimitEntry(**msgspec.structs.asdict(limit)) for limit in policy.rate_limits]
    return PolicyDocument(rules, limits, templates, build_partial_documents(policy.partials))


def merge_document(policy: Policy, document: PolicyDocument, latest_versions: Mapping[str, int] | None = None) -> Policy:
    """The policy with the rules, templates and rate limits of the document; what changes has the next version, and the rest stays.

    `latest_versions` are those of templates of which later versions are not published.
    """
    rules = {**policy.rules, **{entry.type: build_rule(entry, policy.rules.get(entry.type)) for entry in document.rules}}
    limits = {limit.key: limit for limit in (*policy.rate_limits, *map(build_rate_limit, document.rate_limits))}
    templates = {name: [template for template in policy.templates if template.name == name] for name in _list_template_names(policy)}
    details = {one.name: one for one in policy.template_details}
    for name, entry in document.templates.items():
        templates[name], details[name] = _merge_template(
            name, entry, templates.get(name, []), details.get(name), (latest_versions or {}).get(name, 0)
        )
    merged = tuple(template for versions in templates.values() for template in versions)
    # a partial that the document names has its locales only
    partials = [*(one for one in policy.partials if one.name not in document.partials), *build_partials(document.partials)]
    return Policy(rules, merged, tuple(limits.values()), policy.version, tuple(details.values()), tuple(partials), policy.projects)


def list_changes(before: Policy, after: Policy) -> list[PolicyChange]:
    """The differences between two policies of which the second was merged from the first."""
    rules, limits = before.rules, {limit.key: limit for limit in before.rate_limits}
    versions = {template.name: template.version for template in before.templates}
    changes = [
        PolicyChange("rule", type_, "changed" if type_ in rules else "added", rule.version)
        for type_, rule in after.rules.items()
        if rules.get(type_) != rule
    ]
    new_versions = {template.name: template.version for template in after.templates}
    changes += [
        PolicyChange("template", name, "changed" if name in versions else "added", version)
        for name, version in new_versions.items()
        if versions.get(name) != version
    ]
    old_partials, partials = build_partial_documents(before.partials), build_partial_documents(after.partials)
    changes += [
        PolicyChange("partial", name, "changed" if name in old_partials else "added")
        for name, locales in partials.items()
        if old_partials.get(name) != locales
    ]
    changes += [
        PolicyChange("rate_limit", describe_rate_limit(limit), "changed" if limit.key in limits else "added")
        for limit in after.rate_limits
        if limits.get(limit.key) != limit
    ]
    return changes


def find_duplicates(document: PolicyDocument) -> Iterator[str]:
    """What the document says twice, so that one of both would be ignored."""
    yield from find_part_problems(document.templates)
    for name, template in document.templates.items():
        yield from find_variant_problems(name, template)
    types: set[str] = set()
    for index, rule in enumerate(document.rules):
        if rule.type in types:
            yield f"rules[{index}]: the type {rule.type} has another rule above"
        types.add(rule.type)
    keys: set[tuple[str, str, str, int, str]] = set()
    for index, limit in enumerate(map(build_rate_limit, document.rate_limits)):
        if limit.key in keys:
            yield f"rate_limits[{index}]: there is another limit above for {describe_rate_limit(limit)}"
        keys.add(limit.key)


def describe_rate_limit(limit: RateLimit) -> str:
    """What a limit counts, without its number."""
    named = ("category", limit.category), ("tier", limit.tier), ("project", limit.project)
    texts = (f" for {name} {value}" for name, value in named if value)
    return f"{limit.channel or 'all channels'} in {limit.window_seconds} s{''.join(texts)}"


def build_rate_limit(entry: RateLimitEntry) -> RateLimit:
    """The limit of an entry."""
    return RateLimit(**msgspec.structs.asdict(entry))


def build_rule_entry(rule: Rule) -> RuleEntry:
    """The rule as a file and the API show it."""
    values = {name: value for name, value in msgspec.structs.asdict(rule).items() if name in RuleEntry.__struct_fields__}
    cases = [PriorityCaseEntry(case.when, case.priority) for case in rule.priorities]
    options = decode_options(rule.email_options)
    return RuleEntry(**values | {"channels": list(rule.channels), "priorities": cases, "email_options": options})


def build_rule(entry: RuleEntry, current: Rule | None = None) -> Rule:
    """The rule of an entry: the current one if nothing changes, else its next version."""
    version = current.version if current else 1
    cases = tuple(PriorityCase(case.when, case.priority) for case in entry.priorities)
    options = encode_options(entry.email_options)
    values = msgspec.structs.asdict(entry) | {"channels": tuple(entry.channels), "priorities": cases, "email_options": options}
    rule = Rule(**values, version=version)
    return rule if current in (None, rule) else msgspec.structs.replace(rule, version=version + 1)


def _list_template_names(policy: Policy) -> list[str]:
    return list(dict.fromkeys(template.name for template in policy.templates))


def _merge_template(
    name: str, document: TemplateDocument, current: list[Template], details: TemplateDetails | None, latest_version: int
) -> tuple[list[Template], TemplateDetails]:
    """The templates of this name and their details; a document with the contents of the published version keeps it."""
    version = current[0].version if current else 0
    old = {msgspec.structs.replace(template, locale=template.locale or "default") for template in current}
    new_details = build_details(name, version, document)
    if current and old == set(build_templates(name, version, document)) and new_details == (details or TemplateDetails(name, version)):
        return current, new_details
    version = max(version, latest_version) + 1
    return [*build_templates(name, version, document)], build_details(name, version, document)
