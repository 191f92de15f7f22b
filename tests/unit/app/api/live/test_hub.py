"""What each subscription gets of the ring, at any pace."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.live.cursor import parse_cursor
from app.api.live.filters import LiveFilter, RowFilter
from app.api.live.hub import MAX_SAMPLED_ROWS, LiveHub, Subscription
from app.api.live.ring import LiveRing
from tests.unit.app.api.live.live_builders import EVERYTHING, build_row

SMS = RowFilter(LiveFilter(channels=("sms",)))


class Log:
    """A topic of two partitions, and a hub that reads it."""

    def __init__(self, capacity: int, start: dict[int, int] | None = None) -> None:
        self.hub = LiveHub(LiveRing(capacity, start or {0: 0, 1: 0}))
        self.ends = dict(start or {0: 0, 1: 0})
        self.count = 0

    def append(self, partitions: list[int], **changes: Any) -> list[Subscription]:
        records = []
        for partition in partitions:
            records.append(
                (partition, self.ends[partition], build_row(self.count, provider=str(partition), attempt=self.ends[partition], **changes))
            )
            self.ends[partition] += 1
            self.count += 1
        return self.hub.publish(records)


def take_all(hub: LiveHub, subscription: Subscription) -> list[dict[str, Any]]:
    frames = []
    while (frame := hub.take_frame(subscription)) is not None:
        frames.append(msgspec.json.decode(frame))
    return frames


def take_one(hub: LiveHub, subscription: Subscription) -> list[dict[str, Any]]:
    frame = hub.take_frame(subscription)
    return [] if frame is None else [msgspec.json.decode(frame)]


def get_places(frames: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """The partition and offset of each row."""
    return [(row["provider"], row.get("attempt", 0)) for frame in frames for row in frame.get("rows", [])]


def get_numbers(frames: list[dict[str, Any]]) -> list[int]:
    return [int(row["delivery_id"][4:]) for frame in frames if frame["type"] == "delta" for row in frame["rows"]]


def test_a_subscription_gets_what_comes_after_it() -> None:
    log = Log(100)
    log.append([0, 1])
    subscription = log.hub.subscribe(EVERYTHING, None, is_sampled=False)
    assert log.append([1, 0, 0]) == [subscription]
    (frame,) = take_all(log.hub, subscription)
    assert get_numbers([frame]) == [2, 3, 4]
    assert (frame["cursor"], frame["replaced"], frame["skipped"]) == ("0:3,1:2", 0, 0)
    assert log.append([], channel="sms") == []


def test_only_who_has_something_to_take_is_named() -> None:
    log = Log(100)
    everything, sms = log.hub.subscribe(EVERYTHING, None, is_sampled=True), log.hub.subscribe(SMS, None, is_sampled=True)
    assert log.append([0]) == [everything]
    assert set(log.append([0], channel="sms")) == {everything, sms}
    assert get_numbers(take_all(log.hub, sms)) == [1]
    log.hub.unsubscribe(sms)
    assert log.append([0], channel="sms") == [everything]


def test_clients_that_are_equally_far_share_their_frames() -> None:
    log = Log(100)
    one, two, late = (log.hub.subscribe(EVERYTHING, None, is_sampled=False) for _ in range(3))
    log.append([0, 1])
    assert log.hub.take_frame(one) is log.hub.take_frame(two)
    log.append([0])
    assert get_numbers(take_all(log.hub, late)) == [0, 1, 2]
    assert get_numbers(take_all(log.hub, one)) == [2]


def test_a_slow_client_learns_exactly_how_many_rows_it_missed() -> None:
    log = Log(1500)
    slow, idle = log.hub.subscribe(EVERYTHING, None, is_sampled=False), log.hub.subscribe(SMS, None, is_sampled=False)
    log.append([0], channel="sms")
    assert get_numbers(take_all(log.hub, idle)) == [0]
    for _ in range(8):
        log.append([0, 1] * 250)
    gap, *deltas = take_all(log.hub, slow)
    assert (gap["type"], gap["missed"]) == ("gap", 4001 - 1500)
    assert get_numbers(deltas) == list(range(4001 - 1500, 4001))
    assert take_all(log.hub, idle) == [], "nothing that it wants was missed"


def test_a_sampled_client_gets_the_newest_row_of_each_delivery_and_the_counts_of_the_others() -> None:
    log = Log(5000)
    subscription = log.hub.subscribe(EVERYTHING, None, is_sampled=True)
    log.append([0] * (MAX_SAMPLED_ROWS + 50))
    log.append([1] * 30, delivery_id="dlv_7777")
    (frame,) = take_all(log.hub, subscription)
    assert (len(frame["rows"]), frame["replaced"], frame["skipped"]) == (MAX_SAMPLED_ROWS, 29, 51)
    assert frame["rows"][-1]["delivery_id"] == "dlv_7777"
    assert frame["rows"][-1]["occurred_at"] == 1000.0 + log.count - 1


@given(st.data())
def test_with_gaps_and_cursors_each_row_comes_once_in_order(data: st.DataObject) -> None:
    """A client that reads at any pace and connects again to any gateway: what it got and what it is told it missed is everything."""
    capacity = data.draw(st.integers(1, 60))
    log, other = Log(capacity), Log(capacity)
    subscription = log.hub.subscribe(EVERYTHING, None, is_sampled=False)
    received: list[tuple[str, int]] = []
    missed = 0
    for _ in range(data.draw(st.integers(1, 15))):
        partitions = data.draw(st.lists(st.integers(0, 1), max_size=40))
        log.append(partitions)
        other.append(sorted(partitions))
        action = data.draw(st.sampled_from(("wait", "take one", "take all", "again", "elsewhere")))
        if action in ("again", "elsewhere"):
            log.hub.unsubscribe(subscription)
            log, other = (other, log) if action == "elsewhere" else (log, other)
            subscription = log.hub.subscribe(EVERYTHING, subscription.cursor, is_sampled=False)
        elif action != "wait":
            frames = take_all(log.hub, subscription) if action == "take all" else take_one(log.hub, subscription)
            received += get_places(frames)
            missed += sum(frame.get("missed", 0) for frame in frames)
            assert all(parse_cursor(frame["cursor"]) for frame in frames)
    frames = take_all(log.hub, subscription)
    received += get_places(frames)
    assert len(received) == len(set(received))
    assert len(received) + missed + sum(frame.get("missed", 0) for frame in frames) == log.count


def test_a_cursor_of_before_the_ring_is_a_gap_with_the_number_of_records() -> None:
    log = Log(10, {0: 100, 1: 50})
    log.append([0, 1] * 10)
    subscription = log.hub.subscribe(EVERYTHING, {0: 90, 1: 50}, is_sampled=False)
    gap, delta = take_all(log.hub, subscription)
    assert gap["missed"] == 10 + 10
    assert len(delta["rows"]) == 10


@pytest.mark.parametrize("cursor", [{0: 10**9, 1: 10**9}, {7: 1}])
def test_a_cursor_of_another_topic_begins_now(cursor: dict[int, int]) -> None:
    log = Log(10)
    log.append([0, 1])
    subscription = log.hub.subscribe(EVERYTHING, cursor, is_sampled=False)
    assert take_all(log.hub, subscription) == []
    log.append([0])
    assert get_numbers(take_all(log.hub, subscription)) == [2]


def test_a_ping_says_where_an_idle_client_is() -> None:
    log = Log(10)
    subscription = log.hub.subscribe(SMS, None, is_sampled=False)
    log.append([0, 1, 0])
    assert msgspec.json.decode(log.hub.build_ping(subscription)) == {"type": "ping", "cursor": "0:2,1:1"}


@pytest.mark.parametrize("is_sampled", [True, False])
def test_frames_have_the_rows_as_the_project_of_the_client_knows_them(is_sampled: bool) -> None:
    log = Log(100)
    own = log.hub.subscribe(RowFilter(LiveFilter(), "shop"), None, is_sampled=is_sampled)
    default = log.hub.subscribe(RowFilter(LiveFilter(), ""), None, is_sampled=is_sampled)
    log.append([0], user_id="@shop/u")
    late = log.hub.subscribe(RowFilter(LiveFilter(), "shop"), {0: 0, 1: 0}, is_sampled=is_sampled)
    for subscription in (own, late):
        assert [row["user_id"] for frame in take_one(log.hub, subscription) for row in frame["rows"]] == ["u"]
    assert take_one(log.hub, default) == []
