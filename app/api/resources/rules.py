"""The resource /v1/rules: read and change rules, with their versions."""

from typing import Annotated

from litestar import Response, Router, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.admin.rule_problems import find_rule_notices
from app.api.access import check_change, requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, decode_body
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.exception_handlers import handle_problem
from app.api.openapi import EXAMPLE_RULE, INVALID, STORE_UNAVAILABLE, UNAUTHORIZED, describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor, decode_version_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_problem
from app.api.responses import RulePage, RuleResponse, RuleRollback, RuleVersionPage
from app.api.rule_bodies import check_rule, decode_rule
from schemas.errors import MissingRuleError
from schemas.permissions import Permission
from schemas.policy import Rule
from schemas.policy_document import build_rule_entry
from tables.postgres.rules import require_rule

TypeParameter = Annotated[str, PathParameter(description="the type of notification", max_length=128)]
CommentParameter = Annotated[str, QueryParameter(description="why, for the history", max_length=1000)]


LIST_ERRORS = {
    **UNAUTHORIZED,
    **INVALID,
    **STORE_UNAVAILABLE,
}
READ_ERRORS = {**LIST_ERRORS, 404: describe_problem("no such rule or version")}
CHANGE_ERRORS = {
    **READ_ERRORS,
    412: describe_problem("the rule has changed since it was read; ETag has the current version"),
    428: describe_problem("If-Match is missing"),
}


@get("/", opt=requires(Permission.RULES_READ), responses=LIST_ERRORS, summary="List rules", operation_id="list_rules")
async def list_rules(
    request: ApiRequest,
    search: Annotated[str, QueryParameter(description="part of a type or category", max_length=128)] = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> RulePage:
    """In the order of types."""
    after = decode_cursor(cursor)
    found = await get_dependencies(request).rules.list_rules(limit + 1, after[0] if after else "", search)
    return RulePage(*cut_page([_present(rule) for rule in found], limit, lambda one: [one.rule.type]))


@get("/{rule_type:str}", opt=requires(Permission.RULES_READ), responses=READ_ERRORS, summary="Get a rule", operation_id="get_rule")
async def get_rule(request: ApiRequest, rule_type: TypeParameter) -> Response[RuleResponse]:
    """The ETag is the version."""
    rule = await get_dependencies(request).rules.get(rule_type)
    if rule is None:
        raise MissingRuleError(rule_type)
    return _respond(rule)


@put(
    "/{rule_type:str}",
    opt=requires(Permission.RULES_WRITE),
    operation_class=describe_body("RuleEntry", EXAMPLE_RULE),
    responses={
        200: ResponseSpec(RuleResponse, description="changed"),
        201: ResponseSpec(RuleResponse, description="created"),
        **CHANGE_ERRORS,
    },
    summary="Create or replace a rule",
    operation_id="put_rule",
)
async def put_rule(
    request: ApiRequest,
    rule_type: TypeParameter,
    if_match: IfMatchHeader = None,
    actor: ActorHeader = None,
    source: SourceHeader = "api",
    comment: CommentParameter = "",
) -> Response[RuleResponse]:
    """Creates a rule for a type that has none. One that exists is replaced as a whole, for which If-Match is needed."""
    check_change(get_principal(request), rule_type)
    entry, origin = decode_rule(await request.body(), rule_type), build_origin(actor, source, comment)
    rules = get_dependencies(request).rules
    if if_match is None and (rule := await rules.create(entry, origin, check_rule)):
        return _respond(rule, 201)
    return _respond(await rules.put(entry, require_if_match(if_match), origin, check_rule))


@delete(
    "/{rule_type:str}", opt=requires(Permission.RULES_WRITE), responses=CHANGE_ERRORS, summary="Delete a rule", operation_id="delete_rule"
)
async def delete_rule(
    request: ApiRequest,
    rule_type: TypeParameter,
    if_match: IfMatchHeader = None,
    actor: ActorHeader = None,
    source: SourceHeader = "api",
    comment: CommentParameter = "",
) -> None:
    """Notifications of the type become dead letters. The versions stay, so that the rule can be rolled back. Needs If-Match."""
    check_change(get_principal(request), rule_type)
    version = require_if_match(if_match)
    await get_dependencies(request).rules.delete(rule_type, version, build_origin(actor, source, comment))


@get(
    "/{rule_type:str}/versions",
    opt=requires(Permission.RULES_READ),
    responses=READ_ERRORS,
    summary="List the versions of a rule",
    operation_id="list_rule_versions",
)
async def list_rule_versions(
    request: ApiRequest, rule_type: TypeParameter, limit: LimitParameter = DEFAULT_PAGE_SIZE, cursor: CursorParameter = None
) -> RuleVersionPage:
    """Newest first, with who made each and why; `rule` is null in the version that deleted it."""
    before = decode_version_cursor(cursor)
    below = {} if before is None else {"before": before}
    versions = await get_dependencies(request).rules.list_versions(rule_type, limit + 1, **below)
    if not versions and before is None:
        raise MissingRuleError(rule_type)
    return RuleVersionPage(*cut_page(versions, limit, lambda one: [str(one.version)]))


@post(
    "/{rule_type:str}/rollback",
    opt=requires(Permission.RULES_WRITE),
    operation_class=describe_body("RuleRollback", {"version": 3}),
    status_code=200,
    responses=CHANGE_ERRORS,
    summary="Roll a rule back to a version",
    operation_id="roll_back_rule",
)
async def roll_back_rule(
    request: ApiRequest,
    rule_type: TypeParameter,
    if_match: IfMatchHeader = None,
    actor: ActorHeader = None,
    source: SourceHeader = "api",
    comment: CommentParameter = "",
) -> Response[RuleResponse]:
    """The contents of the version become the newest one. Needs If-Match; `*` for a rule that was deleted."""
    check_change(get_principal(request), rule_type)
    version, current = (await decode_body(request, RuleRollback)).version, require_if_match(if_match)
    rules = get_dependencies(request).rules
    entry = require_rule(rule_type, await rules.require_version(rule_type, version))
    origin = build_origin(actor, source, comment or f"back to version {version}")
    return _respond(await rules.put(entry, current, origin, check_rule, "rolled_back"))


def _respond(rule: Rule, status_code: int = 200) -> Response[RuleResponse]:
    return Response(_present(rule), status_code=status_code, headers=build_etag_headers(rule.version))


def _present(rule: Rule) -> RuleResponse:
    return RuleResponse(rule.version, build_rule_entry(rule), [f"{field}: {text}" for field, text in find_rule_notices(rule)])


def _handle_missing_rule(request: ApiRequest, error: MissingRuleError) -> Response[bytes]:
    return handle_problem(request, ProblemError(build_problem("not-found", str(error))))


router = Router(
    "/v1/rules",
    route_handlers=[list_rules, get_rule, put_rule, delete_rule, list_rule_versions, roll_back_rule],
    exception_handlers={MissingRuleError: _handle_missing_rule},
    tags=["rules"],
)
