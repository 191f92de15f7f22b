"""The resource /v1/deliveries: those that match, as a list and as CSV."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from typing import Annotated, Any, Final

import msgspec
from litestar import Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from app.api.access import requires
from app.api.csv_text import CSV_MEDIA_TYPE, encode_rows
from app.api.delivery_bodies import CSV_COLUMNS, DeliveryPage
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import INVALID, STORE_UNAVAILABLE, UNAUTHORIZED
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, decode_cursor, encode_cursor
from app.api.principal import get_principal
from schemas.channels import ChannelName
from schemas.delivery_search import DeliveryFilter, DeliveryKey, FoundDeliveries, FoundDelivery, Order
from schemas.enums import Priority, Status
from schemas.ids import DELIVERY_PREFIX, is_id
from schemas.permissions import Permission
from schemas.projects import qualify
from tables.postgres.delivery_list import PostgresDeliveryList

MAX_TIME: Final = 253_402_300_799  # the end of the year 9999
MAX_EXPORTED: Final = 100_000
EXPORTED_PAGE: Final = 1000  # deliveries that one query of an export returns
MAX_EXPORTED_PAGES: Final = 400  # queries of an export: they examine at most 2,000,000 deliveries, some 10 s of PostgreSQL

StatusesParameter = Annotated[
    list[Status] | None, QueryParameter(name="status", description="only those with this status; several times for several")
]
ChannelParameter = Annotated[ChannelName | None, QueryParameter(description="only those on this channel")]
ProviderParameter = Annotated[str | None, QueryParameter(description="only those that this account got last", max_length=256)]
ReasonParameter = Annotated[str | None, QueryParameter(description="only those whose status has this reason", min_length=1, max_length=128)]
PriorityParameter = Annotated[Priority | None, QueryParameter(description="only those of this priority")]
CategoryParameter = Annotated[str | None, QueryParameter(description="only those of notifications of this category", max_length=128)]
TypeParameter = Annotated[str | None, QueryParameter(name="type", description="only those of notifications of this type", max_length=128)]
TemplateParameter = Annotated[str | None, QueryParameter(description="only those rendered with this template", max_length=128)]
TestParameter = Annotated[
    bool | None, QueryParameter(name="is_test", description="only those of tests, which go to the simulators, or only others")
]
UserParameter = Annotated[str | None, QueryParameter(description="only those to this user", min_length=1, max_length=256)]
SinceParameter = Annotated[float, QueryParameter(description="only those with ids from this time on, epoch seconds", ge=0, le=MAX_TIME)]
UntilParameter = Annotated[
    float | None, QueryParameter(description="only those with ids before this time, epoch seconds", ge=0, le=MAX_TIME)
]
OrderParameter = Annotated[Order, QueryParameter(description="which come first, by the times in their ids")]
ERRORS = {**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE}


@get("/", opt=requires(Permission.NOTIFICATIONS_READ), responses=ERRORS, summary="List deliveries", operation_id="list_deliveries")
async def list_deliveries(
    request: ApiRequest,
    statuses: StatusesParameter = None,
    channel: ChannelParameter = None,
    provider: ProviderParameter = None,
    reason: ReasonParameter = None,
    priority: PriorityParameter = None,
    category: CategoryParameter = None,
    notification_type: TypeParameter = None,
    template: TemplateParameter = None,
    is_test: TestParameter = None,
    user_id: UserParameter = None,
    since: SinceParameter = 0,
    until: UntilParameter = None,
    order: OrderParameter = "newest",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> DeliveryPage:
    """Those of which an event is recorded. A page may have fewer items than `limit`, or none, and still be followed by another one."""
    project, after = get_principal(request).project, decode_cursor(cursor, _is_key)
    wanted = DeliveryFilter(
        statuses, channel, provider, reason, priority, category, notification_type, user_id, since, until, project, order, template, is_test
    )
    found = await get_dependencies(request).deliveries.search(wanted, limit, (after[0], after[1]) if after else None)
    return DeliveryPage([*found.items], encode_cursor(*found.next_key) if found.next_key else None)


@get(
    "/export",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses={**ERRORS, 200: ResponseSpec(str, description="CSV with a header line", media_type=CSV_MEDIA_TYPE, generate_examples=False)},
    media_type=CSV_MEDIA_TYPE,
    summary="Export deliveries as CSV",
    operation_id="export_deliveries",
)
async def export_deliveries(
    request: ApiRequest,
    statuses: StatusesParameter = None,
    channel: ChannelParameter = None,
    provider: ProviderParameter = None,
    reason: ReasonParameter = None,
    priority: PriorityParameter = None,
    category: CategoryParameter = None,
    notification_type: TypeParameter = None,
    template: TemplateParameter = None,
    is_test: TestParameter = None,
    user_id: UserParameter = None,
    since: SinceParameter = 0,
    until: UntilParameter = None,
    order: OrderParameter = "newest",
    limit: Annotated[int, QueryParameter(description="deliveries in the document", ge=1, le=MAX_EXPORTED)] = MAX_EXPORTED,
) -> Stream:
    """As the list is, streamed. A cell that a spreadsheet would take for a formula begins with an apostrophe. Of a longer list, ask for
    parts by `since` and `until`. At most 2,000,000 deliveries are examined, 800,000 by priority, category or type, or 400,000 of a user,
    of tests or of a template: if others remain, the last line begins with `incomplete:` and says how to go on. If PostgreSQL fails in the
    middle, the connection is closed before the end.
    """
    project, source = get_principal(request).project, get_dependencies(request).deliveries
    wanted = DeliveryFilter(
        statuses, channel, provider, reason, priority, category, notification_type, user_id, since, until, project, order, template, is_test
    )
    first = await source.search(wanted, min(limit, EXPORTED_PAGE))  # before the stream: an error still has a status
    pages = iterate_pages(source, wanted, limit, first)
    headers = {"content-disposition": 'attachment; filename="deliveries.csv"'}
    return Stream(encode_pages(pages, qualify(project, ""), order), media_type=CSV_MEDIA_TYPE, headers=headers)


async def iterate_pages(
    source: PostgresDeliveryList, wanted: DeliveryFilter, limit: int, page: FoundDeliveries
) -> AsyncIterator[FoundDeliveries]:
    """The first page and those after it, up to `limit` deliveries. The last one has a key if MAX_EXPORTED_PAGES did not suffice.

    Raises UnavailableError.
    """
    for number in count(1):
        limit -= len(page.items)
        key = page.next_key if limit > 0 else None
        yield FoundDeliveries(page.items, key)
        if key is None or number == MAX_EXPORTED_PAGES:
            return
        page = await source.search(wanted, min(limit, EXPORTED_PAGE), key)


async def encode_pages(pages: AsyncIterator[FoundDeliveries], prefix: str, order: Order) -> AsyncIterator[bytes]:
    """The document in parts; ids are without the prefix of the project, of whose ids the scope of projects strips JSON only."""
    key: DeliveryKey | None = None
    yield encode_rows([CSV_COLUMNS])
    async for page in pages:
        key = page.next_key
        yield encode_rows(list_cells(one, prefix) for one in page.items)
    if key is not None:
        yield encode_rows([[_describe_rest(key, order), *[""] * (len(CSV_COLUMNS) - 1)]])


def _describe_rest(key: DeliveryKey, order: Order) -> str:
    """How to go on after a key, from its millisecond on, of which there may be others."""
    milliseconds = int(key[0].removeprefix(DELIVERY_PREFIX)[:12], 16)
    rest = f"until={(milliseconds + 1.5) / 1000:.4f}" if order == "newest" else f"since={milliseconds / 1000:.3f}"
    return f"incomplete: an export ends after {MAX_EXPORTED_PAGES} queries. Send the request again with {rest} for the others"


def list_cells(delivery: FoundDelivery, prefix: str) -> list[str]:
    """The cells of a delivery, in the order of the columns."""
    values = msgspec.structs.asdict(delivery)
    return [_format(name, values[name], prefix) for name in CSV_COLUMNS]


def _format(name: str, value: Any, prefix: str) -> str:
    if name.endswith("_at"):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds") if value is not None else ""
    return str(value).removeprefix(prefix)


def _is_key(key: list[str]) -> bool:
    return len(key) == 2 and len(key[0]) == 36 and key[0].startswith(DELIVERY_PREFIX) and _is_hex(key[0][4:]) and is_id(key[1])


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdef" for character in text)


router = Router("/v1/deliveries", route_handlers=[list_deliveries, export_deliveries], tags=["deliveries"])
