"""The list of deliveries as CSV, and what it answers without PostgreSQL; the search is tested on a real one."""

from collections.abc import Sequence

import msgspec
import pytest

from app.api.delivery_bodies import CSV_COLUMNS, EXAMPLE_DELIVERY_PAGE
from app.api.resources.deliveries import iterate_pages, list_cells
from schemas.delivery_search import DeliveryFilter, DeliveryKey, FoundDeliveries, FoundDelivery
from tests.unit.app.api.harness import GatewayHarness

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
    pages = iterate_pages(source, DeliveryFilter(), limit, first.items, first.next_key)  # type: ignore[arg-type]
    ids = [one.id async for items in pages for one in items]
    assert ids == [str(number) for number in range(expected)]
    assert max(source.limits) <= 1000


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
