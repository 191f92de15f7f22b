"""The retry policy, the probe policy and the limits of the delivery workers, as immutable values."""

from collections.abc import Mapping

from msgspec import Struct

from schemas.enums import Priority


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


class ProbePolicy(Struct, frozen=True):
    """A paused account is probed with one call after `first_delay` seconds; each further delay is twice as long, up to `max_delay`."""

    first_delay: float
    max_delay: float


class WaitingLimits(Struct, frozen=True):
    """The most records and compressed bytes of a partition and priority that wait beside those in flight."""

    max_records: int
    max_bytes: int


class ConcurrencyLimits(Struct, frozen=True):
    """Calls in flight of one worker: at most `max_in_flight`, of which `reserved_for_high` are reserved for the high priority.

    Each provider account or webhook origin has at most `max_per_account`.
    """

    max_in_flight: int
    reserved_for_high: int
    max_per_account: int
