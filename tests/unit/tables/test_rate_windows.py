"""Rows of the rate_windows table: exact, bounded, and the same for a replay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rules import RateLimit
from tables.rate_windows import SLICES, Full, Windows, admitted, full, key_end, key_of, mark_of, unpacked, used, windows_of

NOW = 1_760_000_000.0
steps = st.lists(st.integers(0, 40), min_size=1, max_size=80)
untimed = settings(deadline=None)
limits = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 100)), min_size=1, max_size=3)


def sms(*limits: tuple[int, int]) -> Windows:
    return windows_of(RateLimit("sms", most, seconds) for most, seconds in limits)["sms"]


def mark(number: int) -> bytes:
    return number.to_bytes(4, "big")


class Model:
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
    model, windows, row, now = Model(limits), sms(*limits), None, NOW
    for number, step in enumerate(steps):
        now += step
        fits = full(row, windows, now, mark(number)) is None
        assert fits == model.admit(now)
        if fits:
            row = admitted(row, windows, now, mark(number))


@settings(deadline=None, max_examples=30)
@given(st.integers(201, 210), st.integers(64, 320), st.lists(st.integers(0, 6), min_size=250, max_size=500))
def test_a_window_counted_by_slices_is_never_over_its_limit(most: int, seconds: int, steps: list[int]) -> None:
    windows, row, now, times = sms((most, seconds)), None, NOW, list[float]()
    for number, step in enumerate(steps):
        now += step / 4
        if full(row, windows, now, mark(number)) is None:
            row = admitted(row, windows, now, mark(number))
            times.append(now)
    assert max(sum(1 for at in times if end - seconds < at <= end) for end in times) <= most
    assert len(unpacked(row)[1][seconds]) <= SLICES + 2


@untimed
@given(steps)
def test_a_clock_that_goes_back_does_not_make_room(steps: list[int]) -> None:
    windows, row, now, times = sms((3, 50)), None, NOW, list[float]()
    for number, step in enumerate(steps):
        now += step - 15
        if full(row, windows, now, mark(number)) is None:
            row = admitted(row, windows, now, mark(number))
            times = [at for at, _ in unpacked(row)[0]]
            assert times == sorted(times)
            assert sum(1 for at in times if at > times[-1] - 50) <= 3


@untimed
@given(limits, steps, st.integers(0, 79))
def test_a_replay_gets_the_same_verdict_and_counts_once(limits: list[tuple[int, int]], steps: list[int], which: int) -> None:
    windows, row, now, taken = sms(*limits), None, NOW, list[int]()
    for number, step in enumerate(steps):
        now += step
        if full(row, windows, now, mark(number)) is None:
            row = admitted(row, windows, now, mark(number))
            taken.append(number)
    held = {entry for _, entry in unpacked(row)[0]}
    for number in taken:
        if mark(number) in held:
            assert full(row, windows, now, mark(number)) is None
            assert admitted(row, windows, now, mark(number)) is row


def test_a_slow_flow_gets_its_whole_limit_by_slices() -> None:
    windows, row, fitting = sms((600, 640)), None, 0
    for number in range(2000):
        now = NOW + number * 640 / 600 * 1.05  # a little slower than the limit allows
        if full(row, windows, now, mark(number)) is None:
            row = admitted(row, windows, now, mark(number))
            fitting += 1
    assert fitting == 2000


def test_a_full_window_says_how_full_and_when_it_frees() -> None:
    windows, row = sms((2, 60), (3, 3600)), None
    for second in (0, 10, 70):
        row = admitted(row, windows, NOW + second, mark(second))
    assert full(row, windows, NOW + 75, mark(1)) == Full(3, 3, 3600, NOW + 3600)
    assert full(admitted(None, windows, NOW, mark(2)), windows, NOW + 1, mark(3)) is None


def test_a_limit_of_zero_never_frees() -> None:
    assert full(None, sms((0, 60)), NOW, mark(1)) == Full(0, 0, 60, None)


def test_a_mark_across_two_fields_is_nobodys() -> None:
    windows = sms((10, 60))
    row = admitted(admitted(None, windows, NOW, mark(1)), windows, NOW + 1, mark(2))
    across = row[9:13]
    assert full(row, sms((2, 60)), NOW + 1, across) is not None
    assert len(unpacked(admitted(row, windows, NOW + 1, across))[0]) == 3


def test_rows_hold_no_more_than_their_longest_window() -> None:
    windows, row = sms((200, 100)), None
    for number in range(1000):
        row = admitted(row, windows, NOW + number, mark(number))
    assert len(row or b"") == 2 + 12 * 100


def test_exact_and_counted_windows_share_a_row() -> None:
    windows, row = sms((3, 10), (201, 6400)), None
    for number in range(5):
        row = admitted(row, windows, NOW + number * 10, mark(number))
    entries, sections = unpacked(row)
    assert [at for at, _ in entries] == [NOW + 40]
    assert sum(count for _, count in sections[6400]) == 5
    assert used(row, RateLimit("sms", 201, 6400), NOW + 40) == 5
    assert used(row, RateLimit("sms", 3, 10), NOW + 40) == 1


def test_a_counted_window_that_is_full_frees_with_its_oldest_slice() -> None:
    windows, row = sms((201, 640)), None
    for number in range(201):
        row = admitted(row, windows, NOW + number, mark(number))
    assert full(row, windows, NOW + 201, mark(999)) == Full(201, 201, 640, unpacked(row)[1][640][0][0] + 640)


@pytest.mark.parametrize("gone", [(), ((5, 60),)])
def test_what_no_limit_needs_any_more_leaves_the_row(gone: tuple[tuple[int, int], ...]) -> None:
    row = admitted(None, sms((5, 60), (300, 600)), NOW, mark(1))
    after = admitted(row, sms(*gone) if gone else Windows((), (), 0, False), NOW + 100, mark(2))
    assert unpacked(after) == ([(NOW + 100, mark(2))] if gone else [], {})


def test_channels_have_their_own_windows_and_keys() -> None:
    parted = windows_of([RateLimit("sms", 200, 1), RateLimit("sms", 201, 2), RateLimit("email", 5, 3)])
    assert parted["sms"].exact == (RateLimit("sms", 200, 1),)
    assert parted["sms"].counted == (RateLimit("sms", 201, 2),)
    assert set(parted) == {"sms", "email"}
    assert key_of("u", "sms") == b"u" + key_end("sms") == b"u\0sms"
    assert mark_of("a") != mark_of("b")
