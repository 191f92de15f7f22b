"""What the counts of a broadcast say, and when the next one follows."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.broadcast_counts import (
    MAX_COUNT_AGE,
    RECEIPT_AGE,
    BroadcastCount,
    BroadcastFindings,
    build_cancellation,
    build_counts,
    compute_pause,
    compute_time_range,
    is_of_broadcast,
)
from schemas.broadcasts import derive_notification_id
from schemas.ids import to_uuid_hex

BROADCAST = "brd_0199c82cc00070008000000000000001"
COUNT = BroadcastCount(BROADCAST, "done", (1_760_000_000.0,), 10, 1, "", BroadcastFindings(), 0, 8.0)
FINDINGS = BroadcastFindings(
    10,
    states={"routed": {"": 7}, "held": {"quiet_hours": 1}, "rejected": {"opted_out": 1, "cancelled": 1}},
    statuses={"DELIVERED": {"": 4}, "FAILED": {"cancelled": 2, "expired": 1}},
)
AT_REST = BroadcastFindings(10, states={"routed": {"": 10}}, statuses={"DELIVERED": {"": 10}})
times = st.floats(min_value=946_684_800, max_value=4_102_444_800)


@given(times, st.text(min_size=1))
def test_the_ids_of_a_broadcast_are_in_the_range_of_their_time_and_known_as_its_own(at: float, user_id: str) -> None:
    notification_id = derive_notification_id(BROADCAST, user_id, at)
    low, high = compute_time_range(BROADCAST, at)
    assert low < to_uuid_hex(notification_id) < high
    assert is_of_broadcast(BROADCAST, notification_id, user_id, (at - 86_400, at))
    assert not is_of_broadcast(BROADCAST, notification_id, user_id + "x", (at,))
    assert not is_of_broadcast(BROADCAST[:-1] + "2", notification_id, user_id, (at,))


def test_counts_are_sums_and_name_the_reasons_that_there_are() -> None:
    counts = build_counts(FINDINGS, 5.0)
    assert (counts.counted_at, counts.decided_count) == (5.0, 10)
    assert counts.notifications == {"routed": 7, "held": 1, "rejected": 2}
    assert counts.notification_reasons == {"held": {"quiet_hours": 1}, "rejected": {"opted_out": 1, "cancelled": 1}}
    assert counts.deliveries == {"DELIVERED": 4, "FAILED": 3}
    assert counts.delivery_reasons == {"FAILED": {"cancelled": 2, "expired": 1}}


@pytest.mark.parametrize(
    ("count", "findings", "pause"),
    [
        ({"age": None, "state": "running"}, {}, 1.0),
        ({"age": None, "state": "paused"}, {}, 10.0),
        ({}, {"seconds": 0.5, "decided": 9}, 10.0),  # a twentieth of the time
        ({"age": 800.0}, {"decided": 9}, 100.0),  # an eighth of the age
        ({}, {}, None),
        ({"has_page": True}, {}, 1.0),
        ({}, {"waiting": 1}, 1.0),
        ({}, {"states": {"held": {"send_at": 10}}}, 1.0),
        ({}, {"statuses": {"PENDING": {"": 1}}}, 1.0),
        ({}, {"statuses": {"SENT": {"": 1}}}, 1.0),
        ({"age": RECEIPT_AGE + 1}, {"statuses": {"SENT": {"": 1}}}, None),
        ({"age": MAX_COUNT_AGE + 1}, {"decided": 9}, None),
    ],
)
def test_counts_follow_until_nothing_can_change_and_take_a_share_of_the_time(
    count: dict[str, Any], findings: dict[str, Any], pause: float | None
) -> None:
    assert compute_pause(msgspec.structs.replace(COUNT, **count), msgspec.structs.replace(AT_REST, **findings)) == pause


def test_a_cancel_says_how_far_it_is() -> None:
    cancelling, mere = msgspec.structs.replace(FINDINGS, cancels=True, waiting=1), FINDINGS
    before = build_cancellation(mere, None, 10, True, False)
    assert (before.is_done, before.checked_count, before.waiting_count, before.cancelled_count) == (False, 0, None, 0)
    first = build_cancellation(mere, BroadcastFindings(4, cancels=True), 10, True, False)
    assert (first.is_done, first.checked_count, first.waiting_count) == (False, 4, None)
    second = build_cancellation(cancelling, None, 10, True, False)
    assert (second.is_done, second.checked_count, second.waiting_count, second.cancelled_count) == (False, 10, 1, 3)
    at_rest = msgspec.structs.replace(AT_REST, cancels=True)
    assert build_cancellation(at_rest, None, 10, True, False).is_done
    assert not build_cancellation(at_rest, None, 11, True, False).is_done  # one is not decided yet
    assert build_cancellation(None, None, 10, False, False).is_done  # it had not begun
    assert not build_cancellation(at_rest, None, 10, False, True).is_done  # a worker may still produce a page
