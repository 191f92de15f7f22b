"""Percentiles, objectives, series and the ledger, as values."""

import pytest

from schemas.analytics import (
    MAX_SERIES,
    TARGET_SECONDS,
    HandoverCount,
    Series,
    build_latency_series,
    choose_step,
    compute_percentile,
    judge_objective,
    limit_series,
)
from schemas.history_counts import HANDOVER_BOUNDS, to_other
from schemas.ledger import Balance, LedgerRow, build_ledger

WINDOWS = {3600: (100, 98), 21_600: (10, 10), 86_400: (1000, 990), 259_200: (1000, 990), 2_592_000: (10_000, 9_950)}


def test_every_target_is_a_bound() -> None:
    assert set(TARGET_SECONDS.values()) <= set(HANDOVER_BOUNDS)


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [({1.0: 100}, 0.5, 0.75), ({1.0: 100}, 1.0, 1.0), ({0.01: 99, 30.0: 1}, 0.99, 0.01), ({float("inf"): 1}, 0.5, 3600.0)],
)
def test_a_percentile_is_linear_within_its_bounds(counts: dict[float, int], share: float, expected: float) -> None:
    assert compute_percentile(counts, share) == expected


def test_hand_overs_of_a_channel_are_in_time_by_the_target_of_their_own_priority() -> None:
    rows = [HandoverCount(0, "email", "high", 2.5, 3), HandoverCount(0, "email", "low", 2.5, 4), HandoverCount(60, "email", "high", 1.0, 1)]
    ((first, second),) = [one.points for one in build_latency_series(rows)]
    assert (first.count, first.within_target, second.within_target) == (7, 4, 1)


def test_a_burn_rate_of_one_uses_the_budget_and_few_hand_overs_say_nothing() -> None:
    state = judge_objective("high", 0.99, WINDOWS, 2_592_000, min_count=50)
    assert (state.attained, state.budget_left, state.has_volume) == (0.995, 0.5, True)
    assert [burn.rate for burn in state.burn] == [2.0, None, 1.0, 1.0]
    assert [burn.has_volume for burn in state.burn] == [True, False, True, True]
    few = judge_objective("high", 0.99, WINDOWS, 21_600, min_count=50)
    assert (few.attained, few.budget_left, few.has_volume) == (None, None, False)


def test_the_greatest_series_are_shown_and_the_others_added_up() -> None:
    series = [Series(f"type-{number:02}", [[0, number], [60, 1]]) for number in range(30)]
    limited = limit_series(series)
    assert len(limited) == MAX_SERIES
    assert limited[0].key == "type-29"
    assert limited[-1] == Series("*", [[0, sum(range(11))], [60, 11]])
    assert limit_series(series[:3]) == series[2::-1]


@pytest.mark.parametrize(("span", "step"), [(3600, 60), (86_400, 3600), (90 * 86_400, 86_400)])
def test_a_step_fits_to_its_time(span: float, step: int) -> None:
    assert choose_step(span) == step


def test_others_keep_their_project_priority_and_test() -> None:
    assert to_other(("acme", "x", "y", "low", "z", True)) == ("acme", "other", "other", "low", "other", True)
    assert to_other(("", "x", "y", "low", "", False)) == ("", "other", "other", "low", "", False)


def test_a_ledger_says_what_is_neither_final_nor_in_flight() -> None:
    rows = [
        LedgerRow("notification", "routed", "final", 5, []),
        LedgerRow("notification", "held", "in_flight", 2, []),
        LedgerRow("delivery", "SENT", "final", 4, []),
        LedgerRow("delivery", "PENDING", "unaccounted", 1, ["ab"]),
    ]
    ledger = build_ledger(rows)
    assert ledger.notifications == Balance(7, {"routed": 5}, {"held": 2}, 0)
    assert ledger.deliveries == Balance(5, {"SENT": 4}, {}, 1)
    assert ledger.unaccounted == ["dlv_ab"]
