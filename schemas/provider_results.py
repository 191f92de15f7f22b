"""What the calls of an account came to lately."""

from typing import NamedTuple


class CallTimes(NamedTuple):
    """How long 19 of 20 calls took at most, in milliseconds, of as many of an account's newest ones as were looked at."""

    provider: str
    calls: int
    p95_ms: float


class FailureCount(NamedTuple):
    """Calls of an account that were not accepted, by one code of the provider (0 if it gave none); the time is in epoch seconds."""

    provider: str
    code: int
    outcome: str
    reason: str
    detail: str
    calls: int
    last_at: float
