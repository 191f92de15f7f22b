"""The retry policy, the breaker policy and the limits of the delivery workers, as immutable values."""

from collections.abc import Mapping

from msgspec import Struct

from schemas.enums import Priority

FULL_CALLS = 4  # for so many deliveries as may be in one, at the same time


class RetrySchedule(Struct, frozen=True):
    """One retry after each of `delays` (seconds), each multiplied by a random number between `min_factor` and `max_factor`.

    With the factors 0.5 and 1 that is equal jitter: half of a delay is certain, so that no retry comes at once.
    """

    delays: tuple[float, ...]
    min_factor: float = 1.0
    max_factor: float = 1.0


class RetryPolicy(Struct, frozen=True):
    """The schedule of a channel, and those of the categories that have their own.

    A provider's Retry-After can extend a delay up to `max_retry_after` seconds.
    """

    schedule: RetrySchedule
    max_retry_after: float
    category_schedules: Mapping[str, RetrySchedule] = {}


class ReconciliationPolicy(Struct, frozen=True):
    """How long a receipt may take after a call without an answer, in seconds by priority.

    `is_repeatable`: the receiver recognises a message that comes twice, or replaces the first one. Then it is sent again like any other.
    """

    graces: Mapping[Priority, float]
    is_repeatable: bool = False


class OpenDelays(Struct, frozen=True):
    """How long a breaker stays open, in seconds: `first`, then twice as long after each failed probe, up to `longest`."""

    first: float
    longest: float


class RetryBudgetPolicy(Struct, frozen=True):
    """Within `window` seconds at most `ratio` of the other calls may be retries that fail, or `min_failed` where there are few calls."""

    ratio: float = 0.2
    min_failed: int = 20
    window: float = 10.0


class BreakerPolicy(Struct, frozen=True):
    """When the breaker of an account opens, and for how long, by cause.

    It opens at `failure_ratio` of at least `min_calls` calls within `window` seconds, or at `consecutive_failures` in a row. A Retry-After
    counts up to `max_retry_after` seconds. Where other accounts would be held up (`leaves`), deliveries of an account that stays closed
    for longer than `max_wait` seconds, or that find no room to wait, leave the worker through the scheduler.
    """

    failures: OpenDelays
    throttled: OpenDelays
    credentials: OpenDelays
    max_retry_after: float
    window: float = 10.0
    min_calls: int = 20
    failure_ratio: float = 0.5
    consecutive_failures: int = 10
    leaves: bool = False
    max_wait: float = 30.0
    retry_budget: RetryBudgetPolicy = RetryBudgetPolicy()


class WaitingLimits(Struct, frozen=True):
    """The most records and compressed bytes of a partition and priority that wait beside those in flight."""

    max_records: int
    max_bytes: int


class ConcurrencyLimits(Struct, frozen=True):
    """Calls in flight of one worker: at most `max_in_flight`, of which `reserved_for_high` are reserved for the high priority.

    Each provider account or webhook origin has at most `max_per_account`, and while it is overloaded at least `min_per_account`.
    A call is for at most `max_per_call` deliveries of medium and low, if the provider takes several; 1: for one.
    """

    max_in_flight: int
    reserved_for_high: int
    max_per_account: int
    min_per_account: int = 4
    max_per_call: int = 1

    @property
    def max_joined(self) -> int:
        """How many deliveries may be in calls that others have begun. A crash may repeat them, as it may repeat the calls in flight."""
        return FULL_CALLS * self.max_per_call


class CallRate(Struct, frozen=True):
    """Calls of a provider account or webhook host, in all workers together: so many per second, and `burst` at once beyond them."""

    per_second: float
    burst: int
