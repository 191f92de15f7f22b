"""How often a delivery is tried and how many calls may be under way: frozen data, set by an operator, read by pure decisions."""

from msgspec import Struct


class RetryPolicy(Struct, frozen=True):
    """One further try after each of `pauses` (seconds); a provider's Retry-After lengthens a pause, to at most `longest` seconds."""

    pauses: tuple[float, ...] = (0.5, 2.0)
    longest: float = 10.0


class CallLimits(Struct, frozen=True):
    """Calls under way in one worker: at most `calls`, of which `for_high` are kept for the high lane; and `per_account` for each provider
    account or webhook origin."""

    calls: int = 256
    for_high: int = 64
    per_account: int = 256
