"""The report of a simulation: every notification is counted once, the largest change is first."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas.enums import State
from schemas.simulation import MAX_CHANGES, CountChange, SimulatedNotification, SimulatedResult, StopChange, build_simulation_report

ROUTED = SimulatedResult(State.ROUTED, channels=("email",), priority="low", templates=("t@1",))
RESULTS = [ROUTED, SimulatedResult(State.REJECTED, "rule", "condition"), SimulatedResult(State.HELD, "quiet_hours", "quiet_hours")]
RESULTS += [SimulatedResult(State.DEAD, "rendering", f"reason-{number}") for number in range(10)]


def build_notification(number: int, before: SimulatedResult, after: SimulatedResult) -> SimulatedNotification:
    sent = [{"email": 2} if result is ROUTED else {} for result in (before, after)]
    return SimulatedNotification(f"ntf_{number}", before, after, *sent)  # type: ignore[arg-type]


def test_a_report_counts_changes_stops_and_deliveries() -> None:
    pairs = [(ROUTED, ROUTED), (ROUTED, RESULTS[1]), (ROUTED, RESULTS[1]), (RESULTS[2], ROUTED)]
    report = build_simulation_report((build_notification(n, *pair) for n, pair in enumerate(pairs)), {"resumed": 3}, 1.0, 2.0)
    assert (report.simulated, report.changed, report.skipped) == (4, 3, {"resumed": 3})
    assert [(one.count, one.examples) for one in report.changes] == [(2, ["ntf_1", "ntf_2"]), (1, ["ntf_3"])]
    assert report.stops == [StopChange("quiet_hours", "quiet_hours", 1, 0), StopChange("rule", "condition", 0, 2)]
    assert report.channels == {"email": CountChange(6, 4)}


@given(st.lists(st.tuples(st.sampled_from(RESULTS), st.sampled_from(RESULTS)), max_size=200))
def test_every_change_is_counted_once(pairs: list[tuple[SimulatedResult, SimulatedResult]]) -> None:
    report = build_simulation_report((build_notification(n, *pair) for n, pair in enumerate(pairs)), {}, 1.0, 2.0)
    changes = Counter(pair for pair in pairs if pair[0] != pair[1])
    assert all(changes[one.before, one.after] == one.count and len(one.examples) == min(3, one.count) for one in report.changes)
    assert len(report.changes) == min(MAX_CHANGES, len(changes))
    assert sum(one.count for one in report.changes) + report.other_changes == report.changed == changes.total()
    assert [one.count for one in report.changes] == sorted((one.count for one in report.changes), reverse=True)
