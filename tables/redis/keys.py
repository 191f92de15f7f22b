"""Every key in Redis, with how long it lives; all of it can be rebuilt."""

from typing import NamedTuple

DAY = 86_400


class Key(NamedTuple):
    """A family of keys; `seconds` is how long each lives."""

    family: str
    seconds: int

    def of(self, prefix: str, part: str) -> str:
        """The name of one key; `prefix` is the installation's."""
        return f"{prefix}{self.family}:{part}"


PROFILE = Key("profile", 300)
"""profile:{user id}: contacts, locale and time zone, as JSON."""

NO_PROFILE = PROFILE._replace(seconds=10)
"""The same key of a user who does not exist: short, as producers write of users that are just being made."""

RUNNING = Key("idem", 60)
"""idem:{Idempotency-Key}: the hash of a request without an answer yet; longer than any answer takes, and no longer if a gateway dies."""

ANSWERED = RUNNING._replace(seconds=DAY)
"""The same key: the hash of the request and its answer."""

ACCEPTED = Key("accepted", 60)
"""accepted:{notification id}: the lane of what was accepted over HTTP and may not be recorded yet."""
