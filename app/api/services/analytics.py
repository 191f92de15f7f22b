"""What the routes of analytics read, and the periods that they read of."""

from typing import Final, NamedTuple

from app.analytics_settings import AnalyticsSection
from app.api.problems import ProblemError, build_field_error, build_validation_problem
from app.api.services.long_readings import LongReadings
from schemas.analytics import MAX_POINTS, choose_step
from schemas.history_counts import Step, compute_fold_bound
from schemas.lifetimes import DAY, HOUR
from tables.postgres.analytics import PostgresAnalytics
from tables.postgres.ledger import PostgresLedger


class Analytics(NamedTuple):
    """The counts of the history, the ledger, and the settings of both; `readings` admits to `exports` and `ledger`, which take long."""

    counts: PostgresAnalytics
    exports: PostgresAnalytics
    ledger: PostgresLedger
    readings: LongReadings
    settings: AnalyticsSection


class Period(NamedTuple):
    """A time of whole steps, in epoch seconds; `until` is not in it."""

    since: int
    until: int
    step: Step


DEFAULT_SPAN: Final = DAY
MAX_STEP: Final = 86400


def choose_period(since: float | None, until: float | None, step: Step | None, now: float, settings: AnalyticsSection) -> Period:
    """The period of a request, widened to whole steps; without a step, one that is fine enough and kept.

    Raises ProblemError if it is empty, has too many steps, or is older than its step is kept.
    """
    until = now if until is None else until
    since = until - DEFAULT_SPAN if since is None else since
    if since >= until:
        raise _build_error("from", f"must be before `to`, {until:.0f}")
    finest = find_finest_step(since, now, settings)
    chosen = step or max(choose_step(until - since), finest)
    if chosen < finest:
        raise _build_error("step", f"from {since:.0f} on the history is counted by {finest} s: use that step, or a later `from`")
    first, last = int(since // chosen * chosen), int(-(-until // chosen) * chosen)
    if (last - first) // chosen > MAX_POINTS:
        if step in (None, MAX_STEP):  # there is no other step that would do
            raise _build_error("from", f"must be later: there may be at most {MAX_POINTS} steps of {chosen} s before `to`")
        raise _build_error("step", f"is too fine for {until - since:.0f} s: there may be at most {MAX_POINTS} steps")
    return Period(first, last, chosen)


def find_finest_step(since: float, now: float, settings: AnalyticsSection) -> Step:
    """The finest step by which everything from this time on is still counted."""
    if since >= compute_fold_bound(now, settings.minutes_kept, HOUR):
        return 60
    return 3600 if since >= compute_fold_bound(now, settings.hours_kept, DAY) else 86400


def _build_error(name: str, detail: str) -> ProblemError:
    return ProblemError(build_validation_problem([build_field_error(f"$.{name}", detail)]))
