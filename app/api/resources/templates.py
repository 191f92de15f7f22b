"""The resource /v1/templates: versions of templates: list, get, draft, preview, publish, roll back."""

from typing import Annotated, Any, Final, NoReturn

from litestar import Response, Router, get, post
from litestar.params import PathParameter, QueryParameter

from app.admin.templates import TemplateService, find_preview_problems, hide_notifications
from app.admin.trials import MAX_SEARCH_SECONDS
from app.api.access import ACCOUNT_RULE, check_change, has_permission, requires
from app.api.bodies import ActorHeader, build_origin, decode_body, decode_stored_body, raise_for_problems
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.exception_handlers import STORE_RETRY_AFTER, handle_problem
from app.api.middleware import add_log_fields
from app.api.openapi import INVALID, STORE_UNAVAILABLE, UNAUTHORIZED, describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import (
    ProblemError,
    build_field_error,
    build_problem,
    build_validation_problem,
)
from app.api.repeated_requests import CHANGES_NOTHING
from app.api.template_requests import (
    CheckRequest,
    DraftRequest,
    PreviewRequest,
    PreviewResponse,
    PublishRequest,
    RollbackRequest,
    TemplatePage,
)
from schemas.errors import PolicyDocumentError, RecordedNotificationsUnavailableError, TemplateChangedError, VersionMismatchError
from schemas.lifetimes import DAY
from schemas.permissions import Permission
from schemas.policy import MAX_VERSION
from schemas.template_variants import ExperimentCounts
from schemas.template_versions import TemplateHistory, TemplateVersion, VersionReport, find_gaps

PAYLOADS_UNAVAILABLE = "Kafka does not give the recorded notifications on which a version is tried; with `force` it is published without"
EXAMPLE_DOCUMENT = {"sms": {"default": {"text": "{{ code }} is your code"}}, "samples": {"usual": {"code": "482193"}}}
NameParameter = Annotated[str, PathParameter(description="the name of the template", max_length=128)]
SearchParameter = Annotated[str, QueryParameter(description="only names that contain this text", max_length=128)]
DEFAULT_DAYS: Final = 30
DaysParameter = Annotated[int, QueryParameter(description="only deliveries submitted in the last days", ge=1, le=3660)]
ExperimentParameter = Annotated[
    str, QueryParameter(description="an earlier experiment; without it that of the published version", max_length=128)
]
VersionParameter = Annotated[
    int | None, QueryParameter(description="a version; without it the published one, or the latest", ge=1, le=MAX_VERSION)
]


LIST_ERRORS = {**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE}
LOOKUP_ERRORS = {**LIST_ERRORS, 404: describe_problem("no such template or version")}
DRAFT_ERRORS = {
    **LIST_ERRORS,
    412: describe_problem("there is a later version than base_version"),
    422: describe_problem("the request or the template is not valid; errors names the places"),
}
PREVIEW_ERRORS = {**LOOKUP_ERRORS, 422: DRAFT_ERRORS[422]}
CHECK_ERRORS = {
    **PREVIEW_ERRORS,
    429: describe_problem("another simulation of a rule, or check of a template, runs in this process of the gateway"),
}
PUBLISH_ERRORS = {
    **PREVIEW_ERRORS,
    412: describe_problem("another version is published than the one in If-Match"),
    428: describe_problem("If-Match is missing"),
}


@get("/", opt=requires(Permission.TEMPLATES_READ), responses=LIST_ERRORS, summary="List templates", operation_id="list_templates")
async def list_templates(
    request: ApiRequest, limit: LimitParameter = DEFAULT_PAGE_SIZE, cursor: CursorParameter = None, search: SearchParameter = ""
) -> TemplatePage:
    """The templates by name, with their published and latest versions."""
    after = decode_cursor(cursor)
    templates = _get_service(request)
    found = await templates.list_templates(limit + 1, after[0] if after else None, search)
    items, next_cursor = cut_page(found, limit, lambda one: [one.name])
    return TemplatePage(items, next_cursor)


@get("/{name:str}", opt=requires(Permission.TEMPLATES_READ), responses=LOOKUP_ERRORS, summary="Get a template", operation_id="get_template")
async def get_template(request: ApiRequest, name: NameParameter, version: VersionParameter = None) -> Response[TemplateVersion]:
    """A version with its document. The ETag is the number of the published version, 0 if none is published."""
    found = await _find_version(request, name, version)
    return Response(found, headers=build_etag_headers(found.published_version))


@get(
    "/{name:str}/history",
    opt=requires(Permission.TEMPLATES_READ),
    responses=LOOKUP_ERRORS,
    summary="Get the history of a template",
    operation_id="get_template_history",
)
async def get_template_history(request: ApiRequest, name: NameParameter) -> TemplateHistory:
    """The versions, and which was published when, by whom and why; newest first."""
    history = await _get_service(request).get_history(name)
    return history if history is not None else _raise_not_found(name, None)


@get(
    "/{name:str}/variants",
    opt=requires(Permission.TEMPLATES_READ),
    responses=LOOKUP_ERRORS,
    summary="Count the deliveries of variants",
    operation_id="count_template_variants",
)
async def count_template_variants(
    request: ApiRequest, name: NameParameter, days: DaysParameter = DEFAULT_DAYS, experiment: ExperimentParameter = ""
) -> ExperimentCounts:
    """The deliveries of each variant of the published version by channel and status, and the percentage of users that it has."""
    since = get_dependencies(request).clock() - days * DAY
    return await _get_service(request).count_variants(await _find_version(request, name, None), experiment, since)


@post(
    "/{name:str}/versions",
    opt=requires(Permission.TEMPLATES_WRITE),
    operation_class=describe_body("DraftRequest", {"document": EXAMPLE_DOCUMENT, "comment": "shorter"}),
    status_code=201,
    responses=DRAFT_ERRORS,
    summary="Draft a version of a template",
    operation_id="draft_template",
)
async def draft_template(request: ApiRequest, name: NameParameter, actor: ActorHeader = None) -> Response[TemplateVersion]:
    """Writes the next version, which nobody uses before it is published."""
    body = await decode_stored_body(request, DraftRequest)
    templates = _get_service(request)
    try:
        author = build_origin(actor, "api").actor
        version = await templates.create_draft(name, body.document, author, body.comment, body.base_version)
    except PolicyDocumentError as error:
        _raise_problems(error)
    return Response(await _find_version(request, name, version), status_code=201)


@post(
    "/{name:str}/preview",
    opt={**requires(Permission.TEMPLATES_READ), **CHANGES_NOTHING},
    operation_class=describe_body("PreviewRequest", {"version": 2, "data": {"code": "482193"}, "locale": "de-AT"}),
    status_code=200,
    responses=PREVIEW_ERRORS,
    summary="Preview a template",
    operation_id="preview_template",
)
async def preview_template(request: ApiRequest, name: NameParameter) -> PreviewResponse:
    """What a template renders to on each channel and in each of its locales, or in one; nothing is sent or stored."""
    body = await decode_body(request, PreviewRequest)
    raise_for_problems(find_preview_problems(body.locale, body.time_zone))
    document = body.document or (await _find_version(request, name, body.version)).document
    if body.sample is not None and body.sample not in document.samples:
        text = f"there is no sample {body.sample!r}; the template has {', '.join(document.samples) or 'none'}"
        raise ProblemError(build_validation_problem([build_field_error("$.sample", text)]))
    sample = body.sample or next(iter(document.samples), "")
    data: dict[str, Any] = document.samples.get(sample, {}) if body.data is None else body.data
    contents = await _get_service(request).preview(name, document, data, body.locale, body.time_zone)
    return PreviewResponse(contents, [*find_gaps(document)])


@post(
    "/{name:str}/check",
    opt={**requires(Permission.TEMPLATES_READ), **CHANGES_NOTHING},
    operation_class=describe_body("CheckRequest", {"version": 2}),
    status_code=200,
    responses=CHECK_ERRORS,
    summary="Check a version of a template",
    operation_id="check_template",
)
async def check_template(request: ApiRequest, name: NameParameter) -> VersionReport:
    """What publishing a version would do: what would make it refused, and how sizes, SMS segments and costs change; nothing is stored.

    Failures have the ids of recorded notifications for who has `notifications:read`, too. The search for them ends after 8 s.
    """
    body = await decode_body(request, CheckRequest)
    report = await _get_service(request).check(await _find_version(request, name, body.version), MAX_SEARCH_SECONDS)
    return report if _may_read_notifications(request) else hide_notifications(report)


@post(
    "/{name:str}/publish",
    opt=requires(Permission.TEMPLATES_PUBLISH),
    operation_class=describe_body("PublishRequest", {"version": 2, "comment": "approved"}),
    status_code=200,
    responses=PUBLISH_ERRORS,
    summary="Publish a version of a template",
    operation_id="publish_template",
)
async def publish_template(
    request: ApiRequest, name: NameParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None
) -> Response[VersionReport]:
    """Makes a version the one that is used; reports how sizes, SMS segments and costs change.

    It is refused if one of its samples fails, or one of the newest recorded notifications that the published version renders.
    """
    expected = require_if_match(if_match)
    body = await decode_stored_body(request, PublishRequest)
    return await _publish(request, await _find_version(request, name, body.version), expected, actor, body)


@post(
    "/{name:str}/rollback",
    opt=requires(Permission.TEMPLATES_PUBLISH),
    operation_class=describe_body("RollbackRequest", {"comment": "wrong link"}),
    status_code=200,
    responses=PUBLISH_ERRORS,
    summary="Roll a template back",
    operation_id="roll_back_template",
)
async def roll_back_template(
    request: ApiRequest, name: NameParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None
) -> Response[VersionReport]:
    """Publishes an earlier version again: the one that was published before, or the one of the request."""
    expected = require_if_match(if_match)
    body = await decode_stored_body(request, RollbackRequest)
    if body.version is not None:
        return await _publish(request, await _find_version(request, name, body.version), expected, actor, body)
    await _find_version(request, name, None)
    previous = await _get_service(request).get_previous_version(name)
    if previous is None:
        raise ProblemError(build_problem("conflict", f"no other version of the template {name} was published before"))
    return await _publish(request, previous, expected, actor, body)


async def _check_publishable(request: ApiRequest, name: str) -> None:
    """Raise ProblemError if the template is that of account e-mails and the principal may not change those."""
    principal = get_principal(request)
    if not has_permission(principal, Permission.ACCOUNTS_WRITE):  # who has it need not wait for the rule
        rule = await get_dependencies(request).rules.get(ACCOUNT_RULE)
        check_change(principal, name, rule.template if rule else "")


async def _publish(
    request: ApiRequest, version: TemplateVersion, expected: int | None, actor: str | None, body: PublishRequest | RollbackRequest
) -> Response[VersionReport]:
    await _check_publishable(request, version.name)
    author, names_notifications = build_origin(actor, "api").actor, _may_read_notifications(request)
    try:
        report = await _get_service(request).publish(
            version, expected, author, body.comment, force=body.force, names_notifications=names_notifications
        )
    except TemplateChangedError as error:
        raise VersionMismatchError(error.published_version) from None
    except PolicyDocumentError as error:
        _raise_problems(error)
    return Response(report, headers=build_etag_headers(version.version))


def _may_read_notifications(request: ApiRequest) -> bool:
    return has_permission(get_principal(request), Permission.NOTIFICATIONS_READ)


async def _find_version(request: ApiRequest, name: str, version: int | None) -> TemplateVersion:
    found = await _get_service(request).get_version(name, version)
    return found if found is not None else _raise_not_found(name, version)


def _get_service(request: ApiRequest) -> TemplateService:
    return get_dependencies(request).templates


def _raise_problems(error: PolicyDocumentError) -> NoReturn:
    raise ProblemError(build_validation_problem([build_field_error("$.document", problem) for problem in error.problems])) from None


def _handle_missing_payloads(request: ApiRequest, error: RecordedNotificationsUnavailableError) -> Response[bytes]:
    add_log_fields(request.scope, cause=str(error))
    return handle_problem(request, ProblemError(build_problem("unavailable", PAYLOADS_UNAVAILABLE, retry_after=STORE_RETRY_AFTER)))


def _raise_not_found(name: str, version: int | None) -> NoReturn:
    what = f"no version {version} of the template {name!r}" if version else f"no template {name!r}"
    raise ProblemError(build_problem("not-found", f"there is {what}"))


router = Router(
    "/v1/templates",
    route_handlers=[
        list_templates,
        get_template,
        get_template_history,
        count_template_variants,
        draft_template,
        preview_template,
        check_template,
        publish_template,
        roll_back_template,
    ],
    exception_handlers={RecordedNotificationsUnavailableError: _handle_missing_payloads},
    tags=["templates"],
)
