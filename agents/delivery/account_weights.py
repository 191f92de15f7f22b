"""The weights of a channel's accounts: failures move weight away from an account, and time brings it back. Pure functions.

The share of failures is an exponential average over the last results, which fades with time: an account that gets few deliveries because
it failed gets more of them bit by bit, and if it still fails, fewer again.
"""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.enums import Outcome
from schemas.outcome import AttemptResult

RESULT_WEIGHT = 0.2  # of one result in the average: after three failures in a row the share is one half
MIN_FACTOR = 0.01  # an account that only fails keeps this part of its weight, so that its recovery is noticed
_EXPONENT = 4  # 1 % of failures cost an account 4 % of its weight, one half costs it 94 %
_FAILURES = frozenset((Outcome.UNKNOWN, Outcome.NOT_SENT))


class Health(NamedTuple):
    """The share of failures of an account, 0 to 1, at a time in epoch seconds; `receipts` is a factor for receipts that are missing."""

    failures: float = 0.0
    at: float = 0.0
    receipts: float = 1.0


def is_failure(result: AttemptResult) -> bool:
    """Whether a result speaks against the account, whatever the delivery is. 5xx is UNKNOWN; 429 pauses the account instead."""
    return result.outcome in _FAILURES or result.is_account_fault


def add_result(health: Health, now: float, half_life: float, *, failed: bool) -> Health:
    """The health after one more result."""
    failures = fade(health, now, half_life)
    return health._replace(failures=failures + (failed - failures) * RESULT_WEIGHT, at=now)


def fade(health: Health, now: float, half_life: float) -> float:
    """The share of failures now: half of it after `half_life` seconds without a result."""
    if not health.failures:
        return 0.0
    return float(health.failures * 0.5 ** (max(0.0, now - health.at) / half_life))


def compute_weight(weight: float, health: Health, now: float, half_life: float) -> float:
    """The weight of an account with this health; `weight` is that of the settings."""
    return weight * max(MIN_FACTOR, (1.0 - fade(health, now, half_life)) ** _EXPONENT * health.receipts)


def choose(weights: Sequence[float], random: float) -> int:
    """The index of a weight, each as often as it is great; `random` is from 0 to less than 1. Raises ValueError if all are 0."""
    place = random * sum(weights)
    for index, weight in enumerate(weights):
        place -= weight
        if place < 0:
            return index
    return max(index for index, weight in enumerate(weights) if weight)  # rounding may leave a little


def compare_receipts(shares: Sequence[float | None]) -> list[float]:
    """The factor of each account by the share of its messages that a receipt came for, None if that is not known.

    The best account has 1; one with half of its share keeps a quarter. A share as good as the best's within a fifth is no difference.
    """
    best = max((share for share in shares if share is not None), default=0.0)
    if not best:
        return [1.0] * len(shares)
    ratios = [1.0 if share is None else share / best for share in shares]
    return [1.0 if ratio >= 0.8 else ratio**2 for ratio in ratios]
