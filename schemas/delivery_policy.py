"""How often a delivery is tried and how many calls may be under way: frozen data, set by an operator, read by pure decisions."""

from msgspec import Struct


class RetryPolicy(Struct, frozen=True):
    """One further try after each of `pauses` (seconds); a provider's Retry-After lengthens a pause, to at most `longest` seconds."""

    delays: tuple[float, ...] = (0.5, 2.0)
    max_delay: float = 10.0


class ConcurrencyLimits(Struct, frozen=True):
    """Calls under way in one worker: at most `max_in_flight`, of which `reserved_for_high` are kept for the high priority.

    Each provider account or webhook origin has at most `max_per_account`.
    """

    max_in_flight: int = 256
    reserved_for_high: int = 64
    max_per_account: int = 256
