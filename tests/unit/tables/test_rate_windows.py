"""Rows of the table `rate_windows`: exact, bounded in size, and the same for a replay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.policy import RateLimit
from tables.rate_windows import (
    MAX_AHEAD_SECONDS,
    SLICES_PER_WINDOW,
    ChannelWindows,
    ExceededLimit,
    add_entry,
    build_windows,
    compute_fingerprint,
    count_used,
    decode_row,
    encode_key,
    encode_key_suffix,
    find_exceeded_limit,
)

NOW = 1_760_000_000.0
steps = st.lists(st.integers(0, 40), min_size=1, max_size=80)
limits = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 100)), min_size=1, max_size=3)


def build_sms_windows(*limits: tuple[int, int]) -> ChannelWindows:
    return build_windows(RateLimit("sms", max_count, seconds) for max_count, seconds in limits)


def build_fingerprint(number: int) -> bytes:
    return number.to_bytes(4, "big")


class ReferenceModel:
    """The definition: each window is counted from all admitted notifications."""

    def __init__(self, limits: list[tuple[int, int]]) -> None:
        self.limits = limits
        self.times: list[float] = []

    def admit(self, now: float) -> bool:
        fits = all(sum(1 for at in self.times if at > now - seconds) < max_count for max_count, seconds in self.limits)
        if fits:
            self.times.append(now)
        return fits


@given(limits, steps)
def test_verdicts_match_the_definition(limits: list[tuple[int, int]], steps: list[int]) -> None:
    model, windows, row, now = ReferenceModel(limits), build_sms_windows(*limits), None, NOW
    for number, step in enumerate(steps):
        now += step
        fits = find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None
        assert fits == model.admit(now)
        if fits:
            row = add_entry(row, windows, now, build_fingerprint(number))


@settings(max_examples=30)
@given(st.integers(201, 210), st.integers(64, 320), st.lists(st.integers(0, 6), min_size=250, max_size=500))
def test_a_window_counted_by_slices_never_exceeds_its_limit(max_count: int, seconds: int, steps: list[int]) -> None:
    windows, row, now, times = build_sms_windows((max_count, seconds)), None, NOW, list[float]()
    for number, step in enumerate(steps):
        now += step / 4
        if find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None:
            row = add_entry(row, windows, now, build_fingerprint(number))
            times.append(now)
    assert max(sum(1 for at in times if end - seconds < at <= end) for end in times) <= max_count
    assert len(decode_row(row)[1][seconds]) <= SLICES_PER_WINDOW + 2


@given(steps)
def test_a_clock_that_goes_back_does_not_free_room(steps: list[int]) -> None:
    windows, row, now, times = build_sms_windows((3, 50)), None, NOW, list[float]()
    for number, step in enumerate(steps):
        now += step - 15
        if find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None:
            row = add_entry(row, windows, now, build_fingerprint(number))
            times = [at for at, _ in decode_row(row)[0]]
            assert times == sorted(times)
            assert sum(1 for at in times if at > times[-1] - 50) <= 3


@pytest.mark.parametrize("limits", [((3, 3600),), ((201, 3600),), ((3, 3600), (201, 7200))])
def test_entries_of_a_clock_that_was_a_day_ahead_fill_no_window_afterwards(limits: tuple[tuple[int, int], ...]) -> None:
    windows, row, max_count = build_sms_windows(*limits), None, limits[0][0]
    ahead, tolerated = NOW + 86_400, NOW + MAX_AHEAD_SECONDS
    for number in range(max_count):
        row = add_entry(row, windows, ahead, build_fingerprint(number))
    assert find_exceeded_limit(row, windows, NOW, build_fingerprint(0)) is None, "a replay is admitted again"
    assert count_used(row, RateLimit("sms", *limits[0]), NOW) == 0
    for number in range(max_count):
        assert find_exceeded_limit(row, windows, NOW, build_fingerprint(1000 + number)) is None
        row = add_entry(row, windows, NOW if number else tolerated, build_fingerprint(1000 + number))
    exceeded = find_exceeded_limit(row, windows, NOW, build_fingerprint(9999))
    assert exceeded is not None
    assert exceeded.reset_at is not None
    assert NOW < exceeded.reset_at <= tolerated + 3600
    assert max(at for at, _ in decode_row(row)[0] + decode_row(row)[1].get(3600, [])) == tolerated


def test_a_clock_that_was_a_day_behind_leaves_no_room_out() -> None:
    windows = build_sms_windows((1, 3600))
    row = add_entry(None, windows, NOW - 86_400, build_fingerprint(1))
    assert find_exceeded_limit(row, windows, NOW, build_fingerprint(2)) is None
    row = add_entry(row, windows, NOW, build_fingerprint(2))
    assert decode_row(row)[0] == [(NOW, build_fingerprint(2))]


@given(limits, steps)
def test_a_replay_gets_the_same_verdict_and_is_counted_once(limits: list[tuple[int, int]], steps: list[int]) -> None:
    windows, row, now, admitted = build_sms_windows(*limits), None, NOW, list[int]()
    for number, step in enumerate(steps):
        now += step
        if find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None:
            row = add_entry(row, windows, now, build_fingerprint(number))
            admitted.append(number)
    fingerprints = {fingerprint for _, fingerprint in decode_row(row)[0]}
    for number in admitted:
        if build_fingerprint(number) in fingerprints:
            assert find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None
            assert add_entry(row, windows, now, build_fingerprint(number)) is row


def test_slices_admit_a_flow_slightly_below_the_limit() -> None:
    windows, row, admitted_count = build_sms_windows((600, 640)), None, 0
    for number in range(2000):
        now = NOW + number * 640 / 600 * 1.05  # slightly slower than the limit allows
        if find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None:
            row = add_entry(row, windows, now, build_fingerprint(number))
            admitted_count += 1
    assert admitted_count == 2000


def test_an_exceeded_limit_gives_its_count_and_reset_time() -> None:
    windows, row = build_sms_windows((2, 60), (3, 3600)), None
    for second in (0, 10, 70):
        row = add_entry(row, windows, NOW + second, build_fingerprint(second))
    assert find_exceeded_limit(row, windows, NOW + 75, build_fingerprint(1)) == ExceededLimit(3, 3, 3600, NOW + 3600)
    assert find_exceeded_limit(add_entry(None, windows, NOW, build_fingerprint(2)), windows, NOW + 1, build_fingerprint(3)) is None


def test_a_limit_of_zero_never_resets() -> None:
    assert find_exceeded_limit(None, build_sms_windows((0, 60)), NOW, build_fingerprint(1)) == ExceededLimit(0, 0, 60, None)


def test_bytes_across_two_fields_are_not_a_fingerprint() -> None:
    windows = build_sms_windows((10, 60))
    row = add_entry(add_entry(None, windows, NOW, build_fingerprint(1)), windows, NOW + 1, build_fingerprint(2))
    across = row[9:13]
    assert find_exceeded_limit(row, build_sms_windows((2, 60)), NOW + 1, across) is not None
    assert len(decode_row(add_entry(row, windows, NOW + 1, across))[0]) == 3


def test_a_row_contains_no_more_than_its_longest_window() -> None:
    windows, row = build_sms_windows((200, 100)), None
    for number in range(1000):
        row = add_entry(row, windows, NOW + number, build_fingerprint(number))
    assert len(row or b"") == 2 + 12 * 100


def test_exact_and_sliced_windows_share_a_row() -> None:
    windows, row = build_sms_windows((3, 10), (201, 6400)), None
    for number in range(5):
        row = add_entry(row, windows, NOW + number * 10, build_fingerprint(number))
    entries, sections = decode_row(row)
    assert [at for at, _ in entries] == [NOW + 40]
    assert sum(count for _, count in sections[6400]) == 5
    assert count_used(row, RateLimit("sms", 201, 6400), NOW + 40) == 5
    assert count_used(row, RateLimit("sms", 3, 10), NOW + 40) == 1


def test_a_full_sliced_window_resets_with_its_oldest_slice() -> None:
    windows, row = build_sms_windows((201, 640)), None
    for number in range(201):
        row = add_entry(row, windows, NOW + number, build_fingerprint(number))
    assert find_exceeded_limit(row, windows, NOW + 201, build_fingerprint(999)) == ExceededLimit(
        201, 201, 640, decode_row(row)[1][640][0][0] + 640
    )


@pytest.mark.parametrize("remaining_limits", [(), ((5, 60),)])
def test_entries_that_no_limit_needs_are_removed(remaining_limits: tuple[tuple[int, int], ...]) -> None:
    row = add_entry(None, build_sms_windows((5, 60), (300, 600)), NOW, build_fingerprint(1))
    after = add_entry(
        row, build_sms_windows(*remaining_limits) if remaining_limits else ChannelWindows((), (), 0, False), NOW + 100, build_fingerprint(2)
    )
    assert decode_row(after) == ([(NOW + 100, build_fingerprint(2))] if remaining_limits else [], {})


def test_limits_above_200_are_counted_by_slices_and_each_scope_has_its_key() -> None:
    windows = build_windows([RateLimit("sms", 200, 1), RateLimit("sms", 201, 2)])
    assert (windows.exact_limits, windows.sliced_limits) == ((RateLimit("sms", 200, 1),), (RateLimit("sms", 201, 2),))
    assert encode_key("u", "sms") == b"u" + encode_key_suffix("sms") == b"u\0sms"
    assert encode_key("u", "sms", "news") == b"u\0sms\0news"
    assert len({encode_key("u", channel, category) for channel in ("", "sms") for category in ("", "sms")}) == 4
    assert compute_fingerprint("a") != compute_fingerprint("b")
