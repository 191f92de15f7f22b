"""Rows of the rate_windows table: exact, bounded, and the same for a replay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.policy import RateLimit
from tables.rate_windows import (
    SLICES_PER_WINDOW,
    ChannelWindows,
    ExceededLimit,
    add_entry,
    build_channel_windows,
    compute_fingerprint,
    count_used,
    decode_row,
    encode_key,
    encode_key_suffix,
    find_exceeded_limit,
)

NOW = 1_760_000_000.0
steps = st.lists(st.integers(0, 40), min_size=1, max_size=80)
untimed = settings(deadline=None)
limits = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 100)), min_size=1, max_size=3)


def build_sms_windows(*limits: tuple[int, int]) -> ChannelWindows:
    return build_channel_windows(RateLimit("sms", most, seconds) for most, seconds in limits)["sms"]


def build_fingerprint(number: int) -> bytes:
    return number.to_bytes(4, "big")


class ReferenceModel:
    """What is right, by the definition: every window is counted from all that was ever admitted."""

    def __init__(self, limits: list[tuple[int, int]]) -> None:
        self.limits = limits
        self.times: list[float] = []

    def admit(self, now: float) -> bool:
        fits = all(sum(1 for at in self.times if at > now - seconds) < most for most, seconds in self.limits)
        if fits:
            self.times.append(now)
        return fits


@untimed
@given(limits, steps)
def test_verdicts_are_those_of_the_definition(limits: list[tuple[int, int]], steps: list[int]) -> None:
    model, windows, row, now = ReferenceModel(limits), build_sms_windows(*limits), None, NOW
    for number, step in enumerate(steps):
        now += step
        fits = find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None
        assert fits == model.admit(now)
        if fits:
            row = add_entry(row, windows, now, build_fingerprint(number))


@settings(deadline=None, max_examples=30)
@given(st.integers(201, 210), st.integers(64, 320), st.lists(st.integers(0, 6), min_size=250, max_size=500))
def test_a_window_counted_by_slices_is_never_over_its_limit(most: int, seconds: int, steps: list[int]) -> None:
    windows, row, now, times = build_sms_windows((most, seconds)), None, NOW, list[float]()
    for number, step in enumerate(steps):
        now += step / 4
        if find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None:
            row = add_entry(row, windows, now, build_fingerprint(number))
            times.append(now)
    assert max(sum(1 for at in times if end - seconds < at <= end) for end in times) <= most
    assert len(decode_row(row)[1][seconds]) <= SLICES_PER_WINDOW + 2


@untimed
@given(steps)
def test_a_clock_that_goes_back_does_not_make_room(steps: list[int]) -> None:
    windows, row, now, times = build_sms_windows((3, 50)), None, NOW, list[float]()
    for number, step in enumerate(steps):
        now += step - 15
        if find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None:
            row = add_entry(row, windows, now, build_fingerprint(number))
            times = [at for at, _ in decode_row(row)[0]]
            assert times == sorted(times)
            assert sum(1 for at in times if at > times[-1] - 50) <= 3


@untimed
@given(limits, steps, st.integers(0, 79))
def test_a_replay_gets_the_same_verdict_and_counts_once(limits: list[tuple[int, int]], steps: list[int], which: int) -> None:
    windows, row, now, taken = build_sms_windows(*limits), None, NOW, list[int]()
    for number, step in enumerate(steps):
        now += step
        if find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None:
            row = add_entry(row, windows, now, build_fingerprint(number))
            taken.append(number)
    held = {entry for _, entry in decode_row(row)[0]}
    for number in taken:
        if build_fingerprint(number) in held:
            assert find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None
            assert add_entry(row, windows, now, build_fingerprint(number)) is row


def test_a_slow_flow_gets_its_whole_limit_by_slices() -> None:
    windows, row, fitting = build_sms_windows((600, 640)), None, 0
    for number in range(2000):
        now = NOW + number * 640 / 600 * 1.05  # a little slower than the limit allows
        if find_exceeded_limit(row, windows, now, build_fingerprint(number)) is None:
            row = add_entry(row, windows, now, build_fingerprint(number))
            fitting += 1
    assert fitting == 2000


def test_a_full_window_says_how_full_and_when_it_frees() -> None:
    windows, row = build_sms_windows((2, 60), (3, 3600)), None
    for second in (0, 10, 70):
        row = add_entry(row, windows, NOW + second, build_fingerprint(second))
    assert find_exceeded_limit(row, windows, NOW + 75, build_fingerprint(1)) == ExceededLimit(3, 3, 3600, NOW + 3600)
    assert find_exceeded_limit(add_entry(None, windows, NOW, build_fingerprint(2)), windows, NOW + 1, build_fingerprint(3)) is None


def test_a_limit_of_zero_never_frees() -> None:
    assert find_exceeded_limit(None, build_sms_windows((0, 60)), NOW, build_fingerprint(1)) == ExceededLimit(0, 0, 60, None)


def test_a_mark_across_two_fields_is_nobodys() -> None:
    windows = build_sms_windows((10, 60))
    row = add_entry(add_entry(None, windows, NOW, build_fingerprint(1)), windows, NOW + 1, build_fingerprint(2))
    across = row[9:13]
    assert find_exceeded_limit(row, build_sms_windows((2, 60)), NOW + 1, across) is not None
    assert len(decode_row(add_entry(row, windows, NOW + 1, across))[0]) == 3


def test_rows_hold_no_more_than_their_longest_window() -> None:
    windows, row = build_sms_windows((200, 100)), None
    for number in range(1000):
        row = add_entry(row, windows, NOW + number, build_fingerprint(number))
    assert len(row or b"") == 2 + 12 * 100


def test_exact_and_counted_windows_share_a_row() -> None:
    windows, row = build_sms_windows((3, 10), (201, 6400)), None
    for number in range(5):
        row = add_entry(row, windows, NOW + number * 10, build_fingerprint(number))
    entries, sections = decode_row(row)
    assert [at for at, _ in entries] == [NOW + 40]
    assert sum(count for _, count in sections[6400]) == 5
    assert count_used(row, RateLimit("sms", 201, 6400), NOW + 40) == 5
    assert count_used(row, RateLimit("sms", 3, 10), NOW + 40) == 1


def test_a_counted_window_that_is_full_frees_with_its_oldest_slice() -> None:
    windows, row = build_sms_windows((201, 640)), None
    for number in range(201):
        row = add_entry(row, windows, NOW + number, build_fingerprint(number))
    assert find_exceeded_limit(row, windows, NOW + 201, build_fingerprint(999)) == ExceededLimit(
        201, 201, 640, decode_row(row)[1][640][0][0] + 640
    )


@pytest.mark.parametrize("gone", [(), ((5, 60),)])
def test_what_no_limit_needs_any_more_leaves_the_row(gone: tuple[tuple[int, int], ...]) -> None:
    row = add_entry(None, build_sms_windows((5, 60), (300, 600)), NOW, build_fingerprint(1))
    after = add_entry(row, build_sms_windows(*gone) if gone else ChannelWindows((), (), 0, False), NOW + 100, build_fingerprint(2))
    assert decode_row(after) == ([(NOW + 100, build_fingerprint(2))] if gone else [], {})


def test_channels_have_their_own_windows_and_keys() -> None:
    parted = build_channel_windows([RateLimit("sms", 200, 1), RateLimit("sms", 201, 2), RateLimit("email", 5, 3)])
    assert parted["sms"].exact_limits == (RateLimit("sms", 200, 1),)
    assert parted["sms"].sliced_limits == (RateLimit("sms", 201, 2),)
    assert set(parted) == {"sms", "email"}
    assert encode_key("u", "sms") == b"u" + encode_key_suffix("sms") == b"u\0sms"
    assert compute_fingerprint("a") != compute_fingerprint("b")
