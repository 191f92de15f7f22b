"""Ids in the order of the calls."""

from hypothesis import given
from hypothesis import strategies as st

from app.ordered_ids import OrderedIds
from schemas.ids import is_id, try_parse_time

ALL_ONES = (1 << 74) - 1


@given(st.lists(st.tuples(st.integers(1_760_000_000_000, 1_760_000_000_003), st.sampled_from([0, 1 << 73, ALL_ONES]))))
def test_ids_rise_with_each_call(calls: list[tuple[int, int]]) -> None:
    times, bits = iter([at / 1000 for at, _ in calls]), iter([bits for _, bits in calls])
    make_id = OrderedIds(lambda: next(times), lambda: next(bits))
    ids = [make_id("aud_") for _ in calls]
    assert ids == sorted(set(ids))
    assert all(is_id(one, "aud_") for one in ids)


@given(st.integers(1, 1 << 47), st.integers(0, ALL_ONES))
def test_an_id_has_the_time_of_the_clock_and_all_random_bits(milliseconds: int, bits: int) -> None:
    made = OrderedIds(lambda: (milliseconds + 0.5) / 1000, lambda: bits)("aud_")
    assert try_parse_time(made, "aud_") == milliseconds / 1000
    assert int(made[17:20], 16) << 62 | int(made[20:], 16) & (1 << 62) - 1 == bits
