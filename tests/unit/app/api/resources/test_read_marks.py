"""The app of a producer marks what was sent as read; nothing else can have been read."""

import msgspec
import pytest

from schemas.enums import State
from schemas.history import DeliveryTimes, NotificationHistory
from tests.event_builders import build_decided_event
from tests.unit.app.api.harness import NOW, GatewayHarness
from tests.unit.app.api.resources.test_notifications import assert_problem

SENT = build_decided_event(1, "email")
URL = f"/v1/notifications/{SENT.id}/read"


def build_harness(**fields: object) -> GatewayHarness:
    harness = GatewayHarness()
    harness.history.histories[SENT.id] = NotificationHistory(msgspec.structs.replace(SENT, **fields), (), ())
    return harness


def test_the_first_time_is_kept() -> None:
    harness = build_harness()
    with harness.build_client() as client:
        assert client.get(URL.removesuffix("/read")).json().get("read_at") is None
        first = client.post(URL)
        harness.now += 60
        again = client.post(URL, params={"user_id": SENT.user_id})
    assert (first.status_code, first.json()["read_at"], again.json()["read_at"]) == (200, NOW, NOW), first.text


def test_an_opening_before_the_mark_is_when_it_was_read() -> None:
    harness = build_harness()
    times = {"dlv_1": DeliveryTimes(clicked_at=NOW - 5), "dlv_2": DeliveryTimes(opened_at=NOW - 7), "dlv_3": DeliveryTimes()}
    harness.history.histories[SENT.id] = harness.history.histories[SENT.id]._replace(times=times)
    with harness.build_client() as client:
        assert client.post(URL).json()["read_at"] == NOW - 7


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"state": State.REJECTED, "reason": "opted_out"}, "was not sent, so that nobody can have read it: it is rejected (opted_out)"),
        ({"state": State.MERGED, "duplicate_of": "ntf_2"}, "was merged into ntf_2, which is what can be read"),
    ],
)
def test_what_was_not_sent_is_a_conflict(fields: dict[str, str], detail: str) -> None:
    with build_harness(**fields).build_client() as client:
        assert assert_problem(client.post(URL), 409)["detail"] == f"{SENT.id} {detail}"


def test_what_is_not_decided_yet_is_asked_for_again_and_what_is_not_known_is_not_found() -> None:
    harness = GatewayHarness()
    harness.recent_notifications.priorities[SENT.id] = "high"
    with harness.build_client() as client:
        undecided = client.post(URL)
        assert (undecided.status_code, undecided.headers["retry-after"]) == (409, "1")
        harness.recent_notifications.priorities.clear()
        assert_problem(client.post(URL), 404)


def test_without_postgresql_it_is_to_be_repeated() -> None:
    harness = build_harness()
    harness.history.is_unavailable = True
    with harness.build_client() as client:
        assert client.post(URL).headers["retry-after"]
