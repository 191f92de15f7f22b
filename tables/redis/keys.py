"""The keys in Redis and their times to live. Redis holds only data that can be rebuilt."""

from typing import NamedTuple

from schemas.lifetimes import IDEMPOTENCY_HORIZON


class KeyFamily(NamedTuple):
    """Keys with a common name."""

    name: str

    def build_key(self, prefix: str, part: str) -> str:
        """One key; `prefix` is the topic prefix of the installation."""
        return f"{prefix}{self.name}:{part}"


PROFILE = KeyFamily("profile-2")
"""profile-2:{user id}: a profile with its version (profile_cache.py); the setting redis.profile_ttl is its time to live.

The number is that of the format: an older release writes profiles without what has been added since, which would count as current.
"""

PROFILE_TOMBSTONE_TTL = 60
"""Of a profile that was changed, in seconds: longer than a reader that began before the change can take."""

MISSING_PROFILE_TTL = 10
"""For a user who does not exist, in seconds: short, because a producer may submit notifications while the user is being created."""

USER_KEYS = KeyFamily("user-keys")
"""user-keys:{user id}: the data keys of a user, wrapped (user_keys.py); the setting redis.profile_ttl is its time to live."""

USER_KEYS_TOMBSTONE_TTL = 60
"""Of keys that were destroyed, in seconds: longer than a reader that began before it can take."""

IDEMPOTENCY = KeyFamily("idem")
"""idem:{Idempotency-Key}: the hash of the request and, when there is one, its response."""

IDEMPOTENCY_IN_PROGRESS_TTL = 60
"""Before the response, in seconds: longer than any request takes, and short enough if a gateway crashes."""

IDEMPOTENCY_RESPONSE_TTL = IDEMPOTENCY_HORIZON
"""With the response, in seconds."""

RECENT_NOTIFICATION = KeyFamily("recent")
"""recent:{notification id}: the priority of a notification accepted over HTTP that may not be recorded yet."""

RECENT_NOTIFICATION_TTL = 60
"""In seconds: longer than the recorder's usual delay."""

WORKERS = KeyFamily("workers")
"""workers:{role}: the web addresses of the role's running workers, each with the second at which its registration expires."""

WORKERS_TTL = 30
"""Of a registration, in seconds: a worker repeats it every 10 s."""

LIVE_TICKET = KeyFamily("ws:ticket")
"""ws:ticket:{SHA-256 of the ticket}: who may open a connection to the live view with it, once."""

LIVE_TICKET_TTL = 30
"""In seconds: a client uses its ticket at once."""

LIVE_SESSION = KeyFamily("ws:session")
"""ws:session:{session}: whose connection to the live view it is, and how far it got."""

LIVE_SESSION_TTL = 300
"""In seconds since it was last written, which happens every 10 s: as long as a client may take to come back to any gateway."""

BREAKER = KeyFamily("breaker")
"""breaker:{account}: that a worker has opened the breaker of an account or webhook host: the cause, and until when; a hint for people."""

BREAKER_SURPLUS_TTL = 60
"""Beyond the time until the next probe, in seconds: the worker repeats it if that fails."""

OPEN_BREAKERS = "all open"
"""breaker:all open: the accounts and hosts with such a key, each with the time at which that ends, in epoch seconds, 0 if it has ended.

A part of the family, because an older release's user of Redis may use no other one; no account has a space in its name.
"""

RATE_LIMIT = KeyFamily("rl")
"""rl:{key of a quota}: when the quota is full again, in microseconds; the script that writes it lets it live until then."""

LOGIN_CHALLENGE = KeyFamily("login-challenge")
"""login-challenge:{kind}:{challenge}: what belongs to a login with a passkey or an OpenID provider that has begun (login_challenges.py)."""

LOGIN_CHALLENGE_TTL = 300
"""In seconds: how long people may take at the other program."""
