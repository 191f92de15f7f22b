"""The resources /v1/users/{id}/preferences and /v1/users/{id}/consent-events."""

from litestar import Response, Router, get, patch, put

from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, decode_body, raise_for_problems
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, parse_if_match, require_if_match
from app.api.masking import MaskedParameter, show
from app.api.openapi import describe_body
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS, UserId
from app.api.responses import ConsentEventPage, PreferenceList
from schemas.ids import is_id
from schemas.masks import mask_consent_event
from schemas.permissions import Permission
from schemas.user_validation import find_nul, find_preference_problems
from schemas.users import CONSENT_EVENT_PREFIX, PreferencePatch, PreferenceSet

PREFERENCES_EXAMPLE = {"items": [{"category": "marketing", "channel": "email", "choice": "out"}], "reason": "asked by telephone"}


@get(
    "/preferences",
    opt=requires(Permission.PREFERENCES_READ),
    responses=READ_ERRORS,
    summary="Get a user's preferences",
    operation_id="get_preferences",
)
async def get_preferences(request: ApiRequest, user_id: UserId) -> Response[PreferenceList]:
    """All of them, by category and channel; the ETag is the user's."""
    return await _respond(request, user_id)


@put(
    "/preferences",
    opt=requires(Permission.PREFERENCES_WRITE),
    operation_class=describe_body("PreferenceSet", PREFERENCES_EXAMPLE),
    responses=CHANGE_ERRORS,
    summary="Replace a user's preferences",
    operation_id="put_preferences",
)
async def put_preferences(
    request: ApiRequest, user_id: UserId, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[PreferenceList]:
    """The user has these and no others afterwards. Needs If-Match."""
    dependencies, version = get_dependencies(request), require_if_match(if_match)
    body = await decode_body(request, PreferenceSet)
    raise_for_problems(find_nul(body.reason, "$.reason"))
    raise_for_problems(find_preference_problems(body.items, await dependencies.users.list_categories()))
    origin = build_origin(actor, source, body.reason)
    await dependencies.preferences.replace(user_id, body.items, version, origin)
    await dependencies.profile_eviction.evict([user_id])
    return await _respond(request, user_id)


@patch(
    "/preferences",
    opt=requires(Permission.PREFERENCES_WRITE),
    operation_class=describe_body("PreferencePatch", PREFERENCES_EXAMPLE),
    responses={code: response for code, response in CHANGE_ERRORS.items() if code != 428},
    summary="Change some of a user's preferences",
    operation_id="change_preferences",
)
async def change_preferences(
    request: ApiRequest, user_id: UserId, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[PreferenceList]:
    """Others stay; a null choice deletes. If-Match is not needed, so that an opt-out never fails because something else has changed."""
    dependencies, version = get_dependencies(request), parse_if_match(if_match)
    body = await decode_body(request, PreferencePatch)
    raise_for_problems(find_nul(body.reason, "$.reason"))
    raise_for_problems(find_preference_problems(body.items, await dependencies.users.list_categories()))
    origin = build_origin(actor, source, body.reason)
    await dependencies.preferences.change(user_id, body.items, version, origin)
    await dependencies.profile_eviction.evict([user_id])
    return await _respond(request, user_id)


@get(
    "/consent-events",
    opt=requires(Permission.PREFERENCES_READ),
    responses=LIST_ERRORS,
    summary="List a user's consent events",
    operation_id="list_consent_events",
)
async def list_consent_events(
    request: ApiRequest,
    user_id: UserId,
    masked: MaskedParameter = False,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> ConsentEventPage:
    """Who changed preferences and suppressions, what, when and from where, newest first; also those of a user who is deleted."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], CONSENT_EVENT_PREFIX))
    preferences = get_dependencies(request).preferences
    events = await preferences.list_consent_events(user_id, limit + 1, key[0] if key else None)
    items, cursor = cut_page(events, limit, lambda event: [event.id])
    return ConsentEventPage(await show(request, items, mask_consent_event, "consent events", lambda _: user_id, masked=masked), cursor)


async def _respond(request: ApiRequest, user_id: str) -> Response[PreferenceList]:
    preferences, version = await get_dependencies(request).preferences.list_preferences(user_id)
    return Response(PreferenceList(preferences), headers=build_etag_headers(version))


router = Router(
    "/v1/users/{user_id:str}",
    route_handlers=[get_preferences, put_preferences, change_preferences, list_consent_events],
    tags=["preferences"],
)
