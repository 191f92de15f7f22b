"""The bodies of requests for rules and their trials, how they are decoded, and what is checked before a rule is used or tried."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from agents.router.compiled_policy import CompiledPolicy
from app.admin.rule_problems import find_rule_problems
from app.api.bodies import check_stored, decode_json
from app.api.problems import ProblemError, build_field_error, build_validation_problem
from schemas.policy import Policy
from schemas.policy_document import PolicyDocument, RuleEntry, merge_document
from schemas.rule_versions import FieldChange

DEFAULT_SIMULATED = 500
MAX_SIMULATED = 2000


class RuleSimulationRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that is to be tried on at most `count` recorded notifications of its type, the newest."""

    rule: RuleEntry
    count: Annotated[int, Meta(ge=1, le=MAX_SIMULATED)] = DEFAULT_SIMULATED


class RuleCheck(Struct, frozen=True):
    """What a valid rule would change, beside the one that is in force; `notices` says which fields may not do what was meant, and why."""

    version: int
    changes: list[FieldChange]
    notices: list[str]


RULE_REQUESTS = (RuleSimulationRequest,)


def decode_rule(body: bytes, type_: str) -> RuleEntry:
    """The rule in a body, which may leave the type of the path out. Raises ProblemError."""
    entry = check_stored(decode_json(_add_type(body, type_), RuleEntry))
    _check_type(entry, type_, "$.type")
    return entry


def decode_simulation(body: bytes, type_: str) -> RuleSimulationRequest:
    """The request in a body, whose rule may leave the type of the path out. Raises ProblemError."""
    fields = decode_json(body, dict[str, msgspec.Raw])
    if "rule" in fields:
        fields["rule"] = msgspec.Raw(_add_type(bytes(fields["rule"]), type_))
    request = check_stored(decode_json(msgspec.json.encode(fields), RuleSimulationRequest))
    _check_type(request.rule, type_, "$.rule.type")
    return request


def check_rule(policy: Policy, document: PolicyDocument, path: str = "$") -> None:
    """Raise ProblemError with the field of each problem of the document's rule, which is at `path` of the body."""
    merged = merge_document(policy, document)
    templates = CompiledPolicy(merged).templates
    problems = [problem for entry in document.rules for problem in find_rule_problems(merged.rules[entry.type], templates, policy, merged)]
    if problems:
        raise ProblemError(build_validation_problem([build_field_error(f"{path}.{field}", text) for field, text in problems]))


def _add_type(body: bytes, type_: str) -> bytes:
    fields = decode_json(body, dict[str, msgspec.Raw])
    fields.setdefault("type", msgspec.Raw(msgspec.json.encode(type_)))
    return msgspec.json.encode(fields)


def _check_type(entry: RuleEntry, type_: str, path: str) -> None:
    if entry.type != type_:
        raise ProblemError(build_validation_problem([build_field_error(path, f"is not {type_!r}, the type in the path: leave it out")]))
