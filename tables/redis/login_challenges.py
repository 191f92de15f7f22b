"""What a login that goes over another program has to bring back: each challenge counts once, and for a few minutes."""

from typing import Literal

from schemas.errors import UnavailableError
from tables.redis.client import RedisClient
from tables.redis.keys import LOGIN_CHALLENGE, LOGIN_CHALLENGE_TTL

ChallengeKind = Literal["oidc", "passkey", "new-passkey"]


class RedisLoginChallenges:
    """Challenges in Redis. Each method raises UnavailableError."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def add(self, kind: ChallengeKind, challenge: str, value: bytes) -> None:
        """Store what belongs to a challenge."""
        key = self._build_key(kind, challenge)
        await self._client.execute(lambda redis: redis.set(key, value, ex=LOGIN_CHALLENGE_TTL))

    async def take(self, kind: ChallengeKind, challenge: str) -> bytes | None:
        """What belongs to a challenge; None if there is none, because it has expired or was taken."""
        value = await self._client.execute(lambda redis: redis.getdel(self._build_key(kind, challenge)))
        if isinstance(value, str):
            raise UnavailableError("Redis answers with text")
        return value

    def _build_key(self, kind: ChallengeKind, challenge: str) -> str:
        return LOGIN_CHALLENGE.build_key(self._client.prefix, f"{kind}:{challenge}")
