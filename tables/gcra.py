"""The generic cell rate algorithm (ITU-T I.371) for several quotas that are used together; pure.

The state of a quota is one number: the time at which it will be full again. A permit moves it on by the quota's interval, and may do so as
long as it is no further away than the burst takes. scripts/acquire_permits.lua is the same algorithm in Redis.
"""

from collections.abc import Sequence

from schemas.limit_ports import Exceeded, Granted, Quota, RateVerdict


def find_least(quotas: Sequence[Quota], permits: int, at_least: int) -> int:
    """The least number of permits that a request takes. Raises ValueError if it could never be granted."""
    least = at_least or permits
    smallest = min(quotas, key=lambda quota: quota.burst)
    if not 1 <= least <= permits or least > smallest.burst:
        raise ValueError(f"{least} to {permits} permits are asked for, and the burst of {smallest.key} is {smallest.burst}")
    return least


def decide(quotas: Sequence[Quota], full_at: Sequence[float], now: float, permits: int, least: int) -> tuple[RateVerdict, Sequence[float]]:
    """The verdict at `now`, and when each quota is full again after it, if that has changed; `full_at` is when it would be before it.

    A time that no clock can have led to (after a step back, or of a slower quota) counts as that of a quota without permits.
    """
    starts = [max(now, min(at, now + quota.interval * quota.burst)) for quota, at in zip(quotas, full_at, strict=True)]
    free = [_count_free(quota, start - now) for quota, start in zip(quotas, starts, strict=True)]
    granted = min(permits, *free)
    if granted < least:
        waits = [start - now + (least - quota.burst) * quota.interval for quota, start in zip(quotas, starts, strict=True)]
        longest = waits.index(max(waits))
        return Exceeded(longest, waits[longest]), ()
    ends = [start + granted * quota.interval for quota, start in zip(quotas, starts, strict=True)]
    tightest = free.index(min(free))
    return Granted(granted, tightest, free[tightest] - granted, ends[tightest] - now), ends


def _count_free(quota: Quota, until_full: float) -> int:
    return int((quota.interval * quota.burst - until_full) / quota.interval + 1e-6)  # a permit is not lost to rounding
