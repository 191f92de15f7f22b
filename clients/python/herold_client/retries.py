"""When a call is made again, and after which time."""

from collections.abc import Callable

from msgspec import Struct

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
RETRIED_STATUSES = frozenset({429, 503})


class RetryPolicy(Struct, frozen=True):
    """At most `attempts` calls; the waits between them double from `first_delay` to `longest_delay`, in seconds, and are spread randomly.

    An answer with Retry-After is followed, unless that is longer than `longest_delay`: then the error is raised at once.
    """

    attempts: int = 3
    first_delay: float = 0.2
    longest_delay: float = 10.0


class Failure(Struct, frozen=True):
    """Why an attempt failed: its status, 0 without an answer; whether the request may have been processed; Retry-After in seconds."""

    status: int = 0
    is_sent: bool = True
    retry_after: float = 0.0


def find_delay(
    policy: RetryPolicy, attempt: int, method: str, has_idempotency_key: bool, failure: Failure, spread: Callable[[], float]
) -> float | None:
    """Seconds until the next attempt, None if there is none; `attempt` counts from 1, `spread` returns a number from 0 to 1.

    A request that may have been processed is made again only if that does no harm: it reads, or it has an Idempotency-Key. A 409 with
    Retry-After says that the first request with the key is in progress; its response follows.
    """
    if attempt >= policy.attempts or not _may_repeat(method, has_idempotency_key, failure):
        return None
    if failure.retry_after > policy.longest_delay:
        return None
    delay = min(policy.longest_delay, policy.first_delay * 2 ** (attempt - 1))
    return float(failure.retry_after + delay * (0.5 + spread() / 2))


def _may_repeat(method: str, has_idempotency_key: bool, failure: Failure) -> bool:
    is_harmless = method in SAFE_METHODS or has_idempotency_key
    if failure.status == 0:
        return is_harmless or not failure.is_sent
    if failure.status == 429:  # it was not processed
        return True
    if failure.status == 409:  # other conflicts, which have no Retry-After, last
        return has_idempotency_key and failure.retry_after > 0
    return failure.status in RETRIED_STATUSES and is_harmless
