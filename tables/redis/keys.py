"""Every key in Redis, with how long it lives; all of it can be rebuilt."""

from typing import NamedTuple

SECONDS_PER_DAY = 86_400


class KeyFamily(NamedTuple):
    """A family of keys; `seconds` is how long each lives."""

    name: str
    ttl_seconds: int

    def build_key(self, prefix: str, part: str) -> str:
        """The name of one key; `prefix` is the installation's."""
        return f"{prefix}{self.name}:{part}"


PROFILE = KeyFamily("profile", 300)
"""profile:{user id}: contacts, locale and time zone, as JSON."""

MISSING_PROFILE = PROFILE._replace(ttl_seconds=10)
"""The same key of a user who does not exist: short, as producers write of users that are just being made."""

IDEMPOTENCY_IN_PROGRESS = KeyFamily("idem", 60)
"""idem:{Idempotency-Key}: the hash of a request without an answer yet; longer than any answer takes, and no longer if a gateway dies."""

IDEMPOTENCY_RESPONSE = IDEMPOTENCY_IN_PROGRESS._replace(ttl_seconds=SECONDS_PER_DAY)
"""The same key: the hash of the request and its answer."""

RECENT_NOTIFICATION = KeyFamily("recent", 60)
"""recent:{notification id}: the priority of what was accepted over HTTP and may not be recorded yet."""
