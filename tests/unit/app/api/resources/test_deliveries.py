"""The list of deliveries as CSV, and what it answers without PostgreSQL; the search is tested on a real one."""

import csv
from collections.abc import Sequence

import msgspec
import pytest

from app.api.delivery_bodies import CSV_COLUMNS, EXAMPLE_DELIVERY_PAGE
from app.api.resources.deliveries import MAX_EXPORTED_PAGES, encode_pages, iterate_pages, list_cells
from schemas.delivery_search import DeliveryFilter, DeliveryKey, FoundDeliveries, FoundDelivery, Order
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.unit.app.api.harness import GatewayHarness

NOW = 1795780000.0
(DELIVERY,) = EXAMPLE_DELIVERY_PAGE.items


class MemoryDeliveryList:
    """So many deliveries; each page ends with the number of its last one. A page of 2 is cut to one, as a search may do."""

    def __init__(self, count: int) -> None:
        self.count, self.limits = count, list[int]()

    async def search(self, wanted: DeliveryFilter, limit: int, after: DeliveryKey | None = None) -> FoundDeliveries:
        self.limits.append(limit)
        start = int(after[0]) if after else 0
        end = min(start + (1 if limit == 2 else limit), self.count)
        items: Sequence[FoundDelivery] = [msgspec.structs.replace(DELIVERY, id=str(number)) for number in range(start, end)]
        return FoundDeliveries(items, (str(end), "") if end < self.count else None)


@pytest.mark.parametrize(("count", "limit", "expected"), [(5, 100, 5), (5, 3, 3), (0, 3, 0), (5, 2, 2), (2500, 2400, 2400)])
async def test_an_export_has_all_pages_up_to_its_limit(count: int, limit: int, expected: int) -> None:
    source = MemoryDeliveryList(count)
    first = await source.search(DeliveryFilter(), min(limit, 1000))
    pages = [page async for page in iterate_pages(source, DeliveryFilter(), limit, first)]  # type: ignore[arg-type]
    assert [one.id for page in pages for one in page.items] == [str(number) for number in range(expected)]
    assert pages[-1].next_key is None
    assert max(source.limits) <= 1000


class RareDeliveries:
    """A history in which nothing matches, with an end that no search reaches; each one goes a millisecond on."""

    def __init__(self) -> None:
        self.searches = 0

    async def search(self, wanted: DeliveryFilter, limit: int, after: DeliveryKey | None = None) -> FoundDeliveries:
        self.searches += 1
        return FoundDeliveries([], (make_id(DELIVERY_PREFIX, NOW + self.searches / 1000, 0), ""))


@pytest.mark.parametrize(("order", "rest"), [("newest", "until=1795780000.4015"), ("oldest", "since=1795780000.400")])
async def test_an_export_of_few_matches_ends_and_says_how_to_go_on(order: Order, rest: str) -> None:
    source, wanted = RareDeliveries(), DeliveryFilter(order=order)
    pages = iterate_pages(source, wanted, 100, await source.search(wanted, 100))  # type: ignore[arg-type]
    document = b"".join([part async for part in encode_pages(pages, "", order)]).decode()
    assert source.searches == MAX_EXPORTED_PAGES
    header, last = csv.reader(document.splitlines())
    assert (header, len(last)) == ([*CSV_COLUMNS], len(CSV_COLUMNS))
    assert last[0].startswith("incomplete:")
    assert rest in last[0]


def test_cells_have_times_and_the_projects_own_ids() -> None:
    delivery = msgspec.structs.replace(DELIVERY, user_id="@acme/u-1", type="@acme/order", provider="@acme")
    cells = dict(zip(CSV_COLUMNS, list_cells(delivery, "@acme/"), strict=True))
    assert (cells["user_id"], cells["type"], cells["provider"]) == ("u-1", "order", "@acme")
    assert (cells["created_at"], cells["opened_at"], cells["attempt"]) == ("2026-11-28T07:43:33.000+00:00", "", "0")


@pytest.mark.parametrize("path", ["/v1/deliveries", "/v1/deliveries/export"])
@pytest.mark.parametrize(
    ("query", "status"), [("", 503), ("?status=LOST", 422), ("?order=best", 422), ("?since=-1", 422), ("?reason=", 422), ("?limit=0", 422)]
)
def test_what_is_not_valid_is_found_before_postgresql_is_asked(path: str, query: str, status: int) -> None:
    assert GatewayHarness().build_client().get(path + query).status_code == status


@pytest.mark.parametrize("cursor", ["x", "WyJhIiwiYiJd"])
def test_another_cursor_is_rejected(cursor: str) -> None:
    assert GatewayHarness().build_client().get(f"/v1/deliveries?cursor={cursor}").status_code == 422
