"""Rate limits as they are stored, with their versions."""

from typing import NamedTuple

from msgspec import Struct

from schemas.policy import RateLimit


class RateLimitKey(NamedTuple):
    """What a limit counts, and in which window; empty texts mean all channels together, all categories, all tiers, the default project."""

    channel: str
    category: str
    tier: str
    window_seconds: int
    project: str = ""


class StoredRateLimit(Struct, frozen=True):
    """A limit with the version that it has now."""

    limit: RateLimit
    version: int

    @property
    def key(self) -> RateLimitKey:
        """The key of the limit."""
        return RateLimitKey(*self.limit.key)


class RateLimitVersion(Struct, frozen=True):
    """A version of a limit; `max_count` is null in the one that deleted it. The time is in epoch seconds."""

    version: int
    max_count: int | None
    actor: str
    comment: str
    changed_at: float
