"""The notifications as CSV, from all pages of a search."""

import csv

import pytest

from app.api.resources.deliveries import MAX_EXPORTED, MAX_EXPORTED_PAGES
from app.api.resources.notification_export import COLUMNS, EXPORTED_PAGE, encode_pages, iterate_pages
from schemas.events import DecidedEvent, DeliveryRef
from schemas.history import FoundNotifications, NotificationFilter, NotificationHistory, NotificationKey
from tests.unit.app.api.harness import NOW, GatewayHarness, make_notification_id
from tests.unit.app.api.resources.test_notifications import assert_problem

WANTED = NotificationFilter()


def build_history(number: int, **fields: str) -> NotificationHistory:
    values = {"type": "order.shipped", "category": "transactional", **fields}
    deliveries = [DeliveryRef("dlv_1", "email"), DeliveryRef("dlv_2", "push")]
    event = DecidedEvent(make_notification_id(number), "u-42", "routed", NOW, NOW, "low", deliveries=deliveries, **values)  # type: ignore[arg-type]
    return NotificationHistory(event, [], [])


class MemoryHistory:
    """So many notifications, at most two in a page; with `is_endless` a search finds nothing, and goes on."""

    def __init__(self, count: int, *, is_endless: bool = False) -> None:
        self.count, self.is_endless, self.searches = count, is_endless, 0

    async def search(self, wanted: NotificationFilter, limit: int, below: NotificationKey | None) -> FoundNotifications:
        self.searches += 1
        if self.is_endless:
            return FoundNotifications([], (make_notification_id(1, NOW), "u"))
        start = int(below[1]) if below else 0
        end = min(start + min(limit, 2), self.count)
        found = [build_history(number) for number in range(start, end)]
        return FoundNotifications(found, ("", str(end)) if end < self.count else None)


@pytest.mark.parametrize(("count", "limit", "expected"), [(5, 100, 5), (5, 3, 3), (0, 3, 0)])
async def test_an_export_has_all_pages_up_to_its_limit(count: int, limit: int, expected: int) -> None:
    source = MemoryHistory(count)
    first = await source.search(WANTED, limit, None)
    document = b"".join([part async for part in encode_pages(iterate_pages(source, WANTED, limit, first), "")])  # type: ignore[arg-type]
    header, *rows = csv.reader(document.decode().splitlines())
    assert tuple(header) == COLUMNS
    assert [row[0] for row in rows] == [make_notification_id(number) for number in range(expected)]


def test_the_queries_of_an_export_suffice_for_its_greatest_limit() -> None:
    assert EXPORTED_PAGE * MAX_EXPORTED_PAGES >= MAX_EXPORTED


async def test_an_export_that_does_not_end_says_how_to_go_on() -> None:
    source = MemoryHistory(0, is_endless=True)
    first = await source.search(WANTED, 100, None)
    document = b"".join([part async for part in encode_pages(iterate_pages(source, WANTED, 100, first), "")])  # type: ignore[arg-type]
    assert source.searches == MAX_EXPORTED_PAGES
    assert f"incomplete: an export ends after {MAX_EXPORTED_PAGES} queries. Send the request again with until=" in document.decode()


def test_a_cell_is_no_formula_and_deliveries_have_their_status() -> None:
    harness = GatewayHarness()
    harness.history.histories = {"n": build_history(1, type="=cmd()", category="@acme/x")}
    with harness.build_client() as client:
        response = client.get("/v1/notifications/export", params={"user_id": "u-42"})
        assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (200, "text/csv")
        assert 'filename="notifications.csv"' in response.headers["content-disposition"]
        (row,) = csv.DictReader(response.text.splitlines())
        assert (row["type"], row["category"]) == ("'=cmd()", "'@acme/x")
        assert (row["deliveries"], row["created_at"]) == ("email PENDING; push PENDING", "2025-10-09T08:53:20.000+00:00")
        harness.history.is_unavailable = True
        assert_problem(client.get("/v1/notifications/export", params={"user_id": "u-42"}), 503)
