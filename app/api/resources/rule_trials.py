"""Trials of rules that are not in force: what one would change, and what it would have decided about recorded notifications."""

from functools import partial

from litestar import Response, Router, post

from app.admin.rule_problems import find_rule_notices
from app.api.access import check_permission, requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.exception_handlers import STORE_RETRY_AFTER, handle_problem
from app.api.middleware import add_log_fields
from app.api.openapi import EXAMPLE_RULE, INVALID, STORE_UNAVAILABLE, UNAUTHORIZED, describe_body, describe_problem
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.repeated_requests import CHANGES_NOTHING
from app.api.resources.rules import TypeParameter
from app.api.rule_bodies import DEFAULT_SIMULATED, RuleCheck, check_rule, decode_rule, decode_simulation
from schemas.errors import RecordedNotificationsTooLargeError, RecordedNotificationsUnavailableError
from schemas.permissions import Permission
from schemas.policy_document import build_rule_entry
from schemas.rule_versions import list_field_changes
from schemas.simulation import TypeSimulationReport

RECORDS_UNAVAILABLE = "Kafka does not give the recorded notifications on which a rule is tried"
CHECK_ERRORS = {**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE}
SIMULATION_ERRORS = {
    **CHECK_ERRORS,
    429: describe_problem("another simulation of a rule, or check of a template, runs in this process of the gateway"),
    503: describe_problem("Kafka or PostgreSQL does not answer"),
}


@post(
    "/{rule_type:str}/check",
    opt={**requires(Permission.RULES_READ), **CHANGES_NOTHING},
    operation_class=describe_body("RuleEntry", EXAMPLE_RULE),
    status_code=200,
    responses=CHECK_ERRORS,
    summary="Check a rule",
    operation_id="check_rule",
)
async def check_rule_of_type(request: ApiRequest, rule_type: TypeParameter) -> RuleCheck:
    """Finds the problems that PUT would find, and what would change; nothing is stored. `version` is that in force, 0 without one."""
    entry = decode_rule(await request.body(), rule_type)
    before, _ = await get_dependencies(request).rule_simulator.load_policies(entry, check_rule)
    current = before.rules.get(rule_type)
    changes = list_field_changes(build_rule_entry(current) if current else None, entry)
    return RuleCheck(current.version if current else 0, changes, [f"{field}: {text}" for field, text in find_rule_notices(entry)])


@post(
    "/{rule_type:str}/simulate",
    opt={**requires(Permission.RULES_READ), **CHANGES_NOTHING},
    operation_class=describe_body("RuleSimulationRequest", {"rule": EXAMPLE_RULE, "count": DEFAULT_SIMULATED}),
    status_code=200,
    responses=SIMULATION_ERRORS,
    summary="Simulate a rule",
    operation_id="simulate_rule",
)
async def simulate_rule(request: ApiRequest, rule_type: TypeParameter) -> TypeSimulationReport:
    """What the rule would decide about the newest notifications of its type that Kafka has, beside the rules in force; nothing is sent.

    It names notifications as examples, so `notifications:read` is needed, too.
    """
    check_permission(get_principal(request), Permission.NOTIFICATIONS_READ)
    body = decode_simulation(await request.body(), rule_type)
    return await get_dependencies(request).rule_simulator.simulate(body.rule, body.count, partial(check_rule, path="$.rule"))


def _handle_missing_records(request: ApiRequest, error: RecordedNotificationsUnavailableError) -> Response[bytes]:
    add_log_fields(request.scope, cause=str(error))
    return handle_problem(request, ProblemError(build_problem("unavailable", RECORDS_UNAVAILABLE, retry_after=STORE_RETRY_AFTER)))


def _handle_large_records(request: ApiRequest, error: RecordedNotificationsTooLargeError) -> Response[bytes]:
    return handle_problem(request, ProblemError(build_validation_problem([build_field_error("$.count", str(error))])))


router = Router(
    "/v1/rules",
    route_handlers=[check_rule_of_type, simulate_rule],
    exception_handlers={
        RecordedNotificationsUnavailableError: _handle_missing_records,
        RecordedNotificationsTooLargeError: _handle_large_records,
    },
    tags=["rules"],
)
