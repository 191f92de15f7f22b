"""The resource /v1/notifications/export: the notifications that match, as CSV."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from typing import Annotated, Final

from litestar import Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from app.api.access import requires
from app.api.csv_text import CSV_MEDIA_TYPE, encode_rows
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import INVALID, STORE_UNAVAILABLE, UNAUTHORIZED
from app.api.ports import HistoryReader
from app.api.presenter import present_notification
from app.api.principal import get_principal
from app.api.resources.deliveries import (
    MAX_EXPORTED,
    MAX_EXPORTED_PAGES,
    CategoryParameter,
    ChannelParameter,
    PriorityParameter,
    ReasonParameter,
    SinceParameter,
    TypeParameter,
    UntilParameter,
    UserParameter,
)
from schemas.enums import State
from schemas.history import FoundNotifications, NotificationFilter, NotificationHistory, NotificationKey
from schemas.ids import NOTIFICATION_PREFIX, make_id
from schemas.permissions import Permission
from schemas.projects import qualify

EXPORTED_PAGE: Final = 250  # notifications that one query returns; MAX_EXPORTED_PAGES of them are MAX_EXPORTED
COLUMNS: Final = (
    "id",
    "user_id",
    "type",
    "category",
    "priority",
    "state",
    "reason",
    "created_at",
    "decided_at",
    "expires_at",
    "deliveries",
)
StateParameter = Annotated[State | None, QueryParameter(name="state", description="only those in this state")]
CSV_RESPONSE = ResponseSpec(str, description="CSV with a header line", media_type=CSV_MEDIA_TYPE, generate_examples=False)


@get(
    "/export",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses={**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE, 200: CSV_RESPONSE},
    media_type=CSV_MEDIA_TYPE,
    summary="Export notifications as CSV",
    operation_id="export_notifications",
)
async def export_notifications(
    request: ApiRequest,
    user_id: UserParameter = None,
    notification_type: TypeParameter = None,
    category: CategoryParameter = None,
    wanted_state: StateParameter = None,
    priority: PriorityParameter = None,
    reason: ReasonParameter = None,
    channel: ChannelParameter = None,
    since: SinceParameter = 0,
    until: UntilParameter = None,
    limit: Annotated[int, QueryParameter(description="notifications in the document", ge=1, le=MAX_EXPORTED)] = MAX_EXPORTED,
) -> Stream:
    """As the list is, newest first, streamed. A cell that a spreadsheet would take for a formula begins with an apostrophe. If others
    remain after 400 queries, the last line begins with `incomplete:` and says how to go on. If PostgreSQL fails in the middle, the
    connection is closed before the end.
    """
    project, history = get_principal(request).project, get_dependencies(request).history
    wanted = NotificationFilter(user_id, notification_type, category, wanted_state, priority, reason, channel, since, project)
    below = (make_id(NOTIFICATION_PREFIX, until, 0), "") if until is not None else None
    first = await history.search(wanted, min(limit, EXPORTED_PAGE), below)  # before the stream: an error still has a status
    headers = {"content-disposition": 'attachment; filename="notifications.csv"'}
    pages = iterate_pages(history, wanted, limit, first)
    return Stream(encode_pages(pages, qualify(project, "")), media_type=CSV_MEDIA_TYPE, headers=headers)


async def iterate_pages(
    history: HistoryReader, wanted: NotificationFilter, limit: int, page: FoundNotifications
) -> AsyncIterator[FoundNotifications]:
    """The first page and those after it, up to `limit`. The last one has a key if MAX_EXPORTED_PAGES did not suffice."""
    for number in count(1):
        limit -= len(page.histories)
        key = page.next_key if limit > 0 else None
        yield FoundNotifications(page.histories, key)
        if key is None or number == MAX_EXPORTED_PAGES:
            return
        page = await history.search(wanted, min(limit, EXPORTED_PAGE), key)


async def encode_pages(pages: AsyncIterator[FoundNotifications], prefix: str) -> AsyncIterator[bytes]:
    """The document in parts; ids are without the prefix of the project, of whose ids the scope of projects strips JSON only."""
    key: NotificationKey | None = None
    yield encode_rows([COLUMNS])
    async for page in pages:
        key = page.next_key
        yield encode_rows(list_cells(one, prefix) for one in page.histories)
    if key is not None:
        yield encode_rows([[_describe_rest(key), *[""] * (len(COLUMNS) - 1)]])


def list_cells(history: NotificationHistory, prefix: str) -> list[str]:
    """The cells of a notification, in the order of the columns; its deliveries as `email SENT; push FAILED`."""
    one = present_notification(history, history.decided.id if history.decided else "", {}, 0.0)
    texts = one.id, one.user_id, one.type, one.category, one.priority, one.state, one.reason
    times = one.created_at, one.decided_at, one.expires_at
    deliveries = "; ".join(f"{delivery.channel} {delivery.status}" for delivery in one.deliveries)
    return [*(text.removeprefix(prefix) for text in texts), *map(_format_time, times), deliveries]


def _format_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds") if at else ""


def _describe_rest(key: NotificationKey) -> str:
    """How to go on after a key, from its millisecond on, of which there may be others."""
    milliseconds = int(key[0].removeprefix(NOTIFICATION_PREFIX)[:12], 16)
    rest = f"until={(milliseconds + 1.5) / 1000:.4f}"
    return f"incomplete: an export ends after {MAX_EXPORTED_PAGES} queries. Send the request again with {rest} for the others"


router = Router("/v1/notifications", route_handlers=[export_notifications], tags=["notifications"])
