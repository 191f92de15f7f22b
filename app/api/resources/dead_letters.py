"""The resource /v1/dead-letters: find, look into, send again and discard what could not be processed."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import check_permission, requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, decode_stored_body, raise_for_problems
from app.api.dead_letter_bodies import (
    CauseList,
    DeadLetterDetails,
    DeadLetterPage,
    DiscardReason,
    DiscardRequest,
    DiscardResponse,
    present_dead_letter,
    redact_group,
    redact_stored,
)
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from schemas.channels import ChannelName
from schemas.dead_letter import DeadLetterStage
from schemas.dead_letters import DEAD_LETTER_PREFIX, DeadLetterContent, DeadLetterFilter, DeadLetterState
from schemas.ids import is_id
from schemas.permissions import Permission
from schemas.timestamps import explain_implausible, is_plausible
from schemas.user_validation import find_nul

ID_FORMAT = f"{DEAD_LETTER_PREFIX} and 32 hex digits"
DeadLetterId = Annotated[str, PathParameter(description=ID_FORMAT)]
ExactParameter = Annotated[
    bool, QueryParameter(description="the exact bytes, with addresses and bodies; the audit log keeps who asked for them")
]
READ_DEAD_LETTER_ERRORS = {**READ_ERRORS, 404: describe_problem("no such dead letter")}
NOT_OPEN = describe_problem("the dead letter is not open")
NOT_DISCARDED = describe_problem("the dead letter is not open, or a redrive is about to send it")
DISCARD_ERRORS = {**READ_DEAD_LETTER_ERRORS, 409: NOT_DISCARDED, 422: CHANGE_ERRORS[422]}

ReasonParameter = Annotated[str | None, QueryParameter(description="only those with this reason", max_length=256)]
StageParameter = Annotated[DeadLetterStage | None, QueryParameter(description="only those of this stage")]
ChannelParameter = Annotated[ChannelName | None, QueryParameter(description="only deliveries on this channel")]
TypeParameter = Annotated[str | None, QueryParameter(name="type", description="only those of this notification type", max_length=256)]
UserParameter = Annotated[str | None, QueryParameter(description="only those of this user", max_length=256)]
NotificationParameter = Annotated[str | None, QueryParameter(description="only those of this notification", max_length=256)]
AccountParameter = Annotated[str | None, QueryParameter(description="only deliveries over this provider account", max_length=2048)]
StateParameter = Annotated[DeadLetterState | None, QueryParameter(name="state", description="only those in this state")]
CauseParameter = Annotated[str | None, QueryParameter(description="only those with this cause", pattern="^[0-9a-f]{16}$")]
SinceParameter = Annotated[float | None, QueryParameter(description="only those from this time on, epoch seconds")]
UntilParameter = Annotated[float | None, QueryParameter(description="only those before this time, epoch seconds")]


@get("/", opt=requires(Permission.DEAD_LETTERS_READ), responses=LIST_ERRORS, summary="List dead letters", operation_id="list_dead_letters")
async def list_dead_letters(
    request: ApiRequest,
    reason: ReasonParameter = None,
    stage: StageParameter = None,
    channel: ChannelParameter = None,
    notification_type: TypeParameter = None,
    user_id: UserParameter = None,
    notification_id: NotificationParameter = None,
    account: AccountParameter = None,
    wanted_state: StateParameter = None,
    cause: CauseParameter = None,
    since: SinceParameter = None,
    until: UntilParameter = None,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> DeadLetterPage:
    """Newest first, without their bytes; addresses in errors are redacted."""
    selection = DeadLetterFilter(
        reason, stage, channel, notification_type, user_id, notification_id, account, wanted_state, cause, since, until
    )
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], DEAD_LETTER_PREFIX))
    found = await get_dependencies(request).dead_letters.list_dead_letters(check_filter(selection), limit + 1, key[0] if key else None)
    return DeadLetterPage(*cut_page([redact_stored(one) for one in found], limit, lambda one: [one.id]))


@get(
    "/causes",
    opt=requires(Permission.DEAD_LETTERS_READ),
    responses=LIST_ERRORS,
    summary="Group dead letters by cause",
    operation_id="list_dead_letter_causes",
)
async def list_causes(
    request: ApiRequest,
    reason: ReasonParameter = None,
    stage: StageParameter = None,
    channel: ChannelParameter = None,
    notification_type: TypeParameter = None,
    user_id: UserParameter = None,
    account: AccountParameter = None,
    wanted_state: StateParameter = None,
    since: SinceParameter = None,
    until: UntilParameter = None,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
) -> CauseList:
    """The most frequent cause first: stage, reason, provider's code, and the error without ids, addresses and numbers."""
    selection = DeadLetterFilter(reason, stage, channel, notification_type, user_id, None, account, wanted_state, None, since, until)
    return CauseList(
        [redact_group(one) for one in await get_dependencies(request).dead_letters.list_causes(check_filter(selection), limit)]
    )


@get(
    "/{dead_letter_id:str}",
    opt=requires(Permission.DEAD_LETTERS_READ),
    responses=READ_DEAD_LETTER_ERRORS,
    summary="Get a dead letter",
    operation_id="get_dead_letter",
)
async def get_dead_letter(
    request: ApiRequest,
    dead_letter_id: DeadLetterId,
    exact: ExactParameter = False,
    actor: ActorHeader = None,
    source: SourceHeader = "api",
) -> DeadLetterDetails:
    """With its record: addresses and bodies are masked unless the exact bytes are asked for, which needs users:unmask."""
    if exact:
        check_permission(get_principal(request), Permission.USERS_UNMASK)
    content = await find_dead_letter(request, dead_letter_id)
    if exact:
        await get_dependencies(request).dead_letters.record_read(dead_letter_id, build_origin(actor, source))
    return present_dead_letter(content, exact=exact)


@post(
    "/{dead_letter_id:str}/discard",
    opt=requires(Permission.DEAD_LETTERS_DISCARD),
    operation_class=describe_body("DiscardReason", {"reason": "a test of the producer"}),
    status_code=200,
    responses=DISCARD_ERRORS,
    summary="Discard a dead letter",
    operation_id="discard_dead_letter",
)
async def discard_one(
    request: ApiRequest, dead_letter_id: DeadLetterId, actor: ActorHeader = None, source: SourceHeader = "api"
) -> DeadLetterDetails:
    """It stays in the list, and nothing sends it again."""
    body = await decode_stored_body(request, DiscardReason)
    store, origin = get_dependencies(request).dead_letters, build_origin(actor, source, body.reason)
    if not await store.discard(DeadLetterFilter(), [_check_id(dead_letter_id)], origin):
        stored = (await find_dead_letter(request, dead_letter_id)).stored
        in_hand = f"{stored.id} is in hand of the redrive {stored.redrive_id}, which is about to send it"
        detail = in_hand if stored.state == "open" else f"{stored.id} is not open: it is {stored.state}"
        raise ProblemError(build_problem("conflict", detail))
    return present_dead_letter(await find_dead_letter(request, dead_letter_id), exact=False)


@post(
    "/discard",
    opt=requires(Permission.DEAD_LETTERS_DISCARD),
    operation_class=describe_body("DiscardRequest", {"filter": {"cause": "5f2b8c0d9e4a7163"}, "reason": "a test of the producer"}),
    status_code=200,
    responses={200: ResponseSpec(DiscardResponse, description="how many"), **LIST_ERRORS, 422: CHANGE_ERRORS[422]},
    summary="Discard dead letters",
    operation_id="discard_dead_letters",
)
async def discard_many(request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api") -> Response[DiscardResponse]:
    """The open ones that the filter selects, or those with these ids; not those that a redrive is about to send."""
    body = await decode_stored_body(request, DiscardRequest)
    check_selection(body.filter, body.ids)
    origin = build_origin(actor, source, body.reason)
    count = await get_dependencies(request).dead_letters.discard(body.filter or DeadLetterFilter(), body.ids, origin)
    return Response(DiscardResponse(count), status_code=200)


def check_selection(selection: DeadLetterFilter | None, ids: list[str] | None) -> None:
    """Raise ProblemError unless either a filter or ids are given, and each of them can be."""
    if (selection is None) == (ids is None):
        raise ProblemError(
            build_validation_problem([build_field_error("$.filter", "give either a filter or ids; {} selects all that are open")])
        )
    if selection is not None:
        check_filter(selection, "$.filter")
    wrong = [index for index, one in enumerate(ids or ()) if not is_id(one, DEAD_LETTER_PREFIX)]
    if wrong:
        raise ProblemError(build_validation_problem([build_field_error(f"$.ids[{index}]", f"must be {ID_FORMAT}") for index in wrong]))


def check_filter(selection: DeadLetterFilter, root: str = "$") -> DeadLetterFilter:
    """The filter. Raises ProblemError if it cannot be one."""
    raise_for_problems(find_nul(msgspec.to_builtins(selection), root))
    if selection.notification_id is not None and not is_id(selection.notification_id):
        error = build_field_error(f"{root}.notification_id", "must be ntf_ and 32 hex digits")
        raise ProblemError(build_validation_problem([error]))
    for name in ("since", "until"):
        at = getattr(selection, name)
        if at is not None and not is_plausible(at):
            raise ProblemError(build_validation_problem([build_field_error(f"{root}.{name}", explain_implausible(at))]))
    return selection


async def find_dead_letter(request: ApiRequest, dead_letter_id: str) -> DeadLetterContent:
    """The dead letter. Raises ProblemError if there is none."""
    content = await get_dependencies(request).dead_letters.get(_check_id(dead_letter_id))
    if content is None:
        raise ProblemError(build_problem("not-found", f"there is no dead letter {dead_letter_id}"))
    return content


def _check_id(dead_letter_id: str) -> str:
    if not is_id(dead_letter_id, DEAD_LETTER_PREFIX):
        raise ProblemError(build_problem("not-found", f"{dead_letter_id[:64]!r} is not the id of a dead letter: {ID_FORMAT}"))
    return dead_letter_id


router = Router(
    "/v1/dead-letters",
    route_handlers=[list_dead_letters, list_causes, get_dead_letter, discard_one, discard_many],
    tags=["dead letters"],
)
