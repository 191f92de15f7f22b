"""The ids of the notifications of broadcasts."""

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.broadcasts import derive_notification_id, find_source

BROADCASTS = [f"brd_0199c82cc0007000800000000000000{number}" for number in range(3)]
times = st.floats(min_value=946_684_800, max_value=4_102_444_800)


@example(at=+0.0004, user_id="u-1", broadcast_id=BROADCASTS[1])  # times 1000 it is below its millisecond
@given(times, st.text(min_size=1), st.sampled_from(BROADCASTS))
def test_the_broadcast_of_a_notification_is_found_whatever_the_time_is_as_a_float(at: float, user_id: str, broadcast_id: str) -> None:
    notification_id = derive_notification_id(broadcast_id, user_id, at)
    assert find_source(BROADCASTS, notification_id, user_id) == broadcast_id
    assert find_source(BROADCASTS, notification_id, user_id + "x") == ""
