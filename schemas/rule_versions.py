"""The versions of a rule, and the differences between two of them; pure."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.policy import Policy
from schemas.policy_document import ChangeKind, PolicyChange, RuleEntry, build_rule_entry, describe_rate_limit, list_changes

_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(RuleEntry)}


class RuleVersion(Struct, frozen=True):
    """A version of a rule; `rule` is null in the one that deleted it. The time is in epoch seconds."""

    version: int
    rule: RuleEntry | None
    actor: str
    comment: str
    changed_at: float


class FieldChange(Struct, frozen=True):
    """A field whose value differs; a value is null where there is no rule or the field is not set."""

    field: str
    old: Any
    new: Any


class PolicyDifference(Struct, frozen=True):
    """A rule, template, partial or rate limit that a document would add or change, and the fields of a rule or limit that differ."""

    kind: ChangeKind
    name: str
    change: Literal["added", "changed"]
    version: int
    fields: list[FieldChange]


def list_differences(before: Policy, after: Policy) -> list[PolicyDifference]:
    """The differences between two policies of which the second was merged from the first."""
    return [
        PolicyDifference(one.kind, one.name, one.change, one.version, list_changed_fields(one, before, after))
        for one in list_changes(before, after)
    ]


def list_changed_fields(change: PolicyChange, before: Policy, after: Policy) -> list[FieldChange]:
    """The fields of a rule or limit that differ; a template is replaced as a whole."""
    if change.kind == "rule":
        old = before.rules.get(change.name)
        return list_field_changes(build_rule_entry(old) if old else None, build_rule_entry(after.rules[change.name]))
    if change.kind == "rate_limit":
        counts = [{describe_rate_limit(one): one.max_count for one in policy.rate_limits}.get(change.name) for policy in (before, after)]
        return [FieldChange("max_count", *counts)]
    return []


def list_field_changes(old: RuleEntry | None, new: RuleEntry | None) -> list[FieldChange]:
    """The fields that differ between two versions of a rule, each with both values as a file has them."""
    pairs = [(name, _get_value(old, name), _get_value(new, name)) for name in RuleEntry.__struct_fields__ if name != "type"]
    return [FieldChange(name, old_value, new_value) for name, old_value, new_value in pairs if old_value != new_value]


def _get_value(entry: RuleEntry | None, name: str) -> object:
    """The value of a field; None for the default, which is false or empty but for `strategy` and `over_limit`."""
    value = getattr(entry, name, None)
    return msgspec.to_builtins(value) if value and value != _DEFAULTS.get(name) else None
