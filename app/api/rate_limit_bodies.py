"""The bodies of requests for rate limits, and of their responses."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.policy import RateLimit
from schemas.policy_document import MAX_INTEGER
from schemas.rate_limits import RateLimitVersion


class RateLimitChange(Struct, frozen=True, forbid_unknown_fields=True):
    """How many notifications per user a limit admits in any window."""

    max_count: Annotated[int, Meta(ge=1, le=MAX_INTEGER)]


class RateLimitResponse(Struct, frozen=True):
    """The current version of a limit; an empty channel, category or tier means all, an empty project the default one."""

    version: int
    limit: RateLimit


class RateLimitPage(Struct, frozen=True):
    """Limits in the order of channel, category, tier and window; `next_cursor` is null on the last page."""

    items: list[RateLimitResponse]
    next_cursor: str | None


class RateLimitVersionPage(Struct, frozen=True):
    """Versions of a limit, newest first; `next_cursor` is null on the last page."""

    items: list[RateLimitVersion]
    next_cursor: str | None
