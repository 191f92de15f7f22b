"""The authenticator of API keys: what PostgreSQL says of a key is kept for seconds, so that few requests wait for it.

A verdict that is REFRESH_AGE old is read again in the background, and one that is MAX_AGE old before it is used: a revoked key ends within
30 s in every process, with the time of the query. While PostgreSQL does not answer, a key that was used here goes on for `outage_limit`
seconds after it was read last; its expiry counts nevertheless. Of another key nobody knows then whether it is valid: 503, not 401.
"""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple

from app.api.principal import Holder, Principal, Scheme
from schemas.api_keys import KEY_LENGTH, PREFIX, StoredVerdict, compute_digest, parse_key_id
from schemas.errors import UnavailableError
from schemas.permissions import select_permissions
from schemas.ports import Clock

REFRESH_AGE: Final = 10.0  # seconds
MAX_AGE: Final = 20.0  # seconds; a query takes at most the rest of 30
RETRY_DELAY: Final = 2.0  # seconds for which PostgreSQL is not asked again after it did not answer
USE_INTERVAL: Final = 60.0  # seconds between two records of a use
FLUSH_INTERVAL: Final = 20.0  # seconds between two writes of uses
MAX_VERDICTS: Final = 10_000  # of keys; and of ids that no key has

_PREFIX: Final = PREFIX.encode()
_ID = slice(len(b"hrl_live_"), len(b"hrl_live_") + 8)

FindVerdict = Callable[[str], Awaitable[StoredVerdict | None]]
RecordUses = Callable[[dict[str, float]], Awaitable[None]]


class CachedVerdict:
    """What is known of an id since `read_at` (monotonic); `principal` is None if no key has the id, or if it is revoked."""

    __slots__ = ("digest", "expires_at", "previous_digest", "previous_expires_at", "principal", "read_at", "recorded_at")

    def __init__(self, stored: StoredVerdict | None, read_at: float) -> None:
        self.read_at, self.recorded_at = read_at, float("-inf")
        self.principal = build_principal(stored) if stored and stored.key.revoked_at is None else None
        self.digest, self.previous_digest = (stored.digest, stored.previous_digest) if stored else (b"", b"")
        self.expires_at = stored.key.expires_at if stored else None
        self.previous_expires_at = (stored.key.previous_expires_at or 0.0) if stored else 0.0


class Times(NamedTuple):
    """The clocks: epoch seconds for expiries, monotonic seconds for ages."""

    clock: Clock
    monotonic: Clock


class ApiKeyVerdicts:
    """Judges credentials. `outage_limit` in seconds; the uses of keys are written by `flush_forever`."""

    def __init__(self, find_verdict: FindVerdict, record_uses: RecordUses, times: Times, outage_limit: float) -> None:
        self._find_verdict, self._record_uses, self._outage_limit = find_verdict, record_uses, outage_limit
        self._clock, self._monotonic = times
        self._verdicts: OrderedDict[bytes, CachedVerdict] = OrderedDict()
        self._refusals: OrderedDict[bytes, CachedVerdict] = OrderedDict()  # apart, so that guessed ids push no key out
        self._reads: dict[bytes, asyncio.Task[CachedVerdict]] = {}
        self._retry_at = float("-inf")
        self._used: dict[str, float] = {}

    async def authenticate(self, scheme: Scheme, credential: bytes) -> Principal | None:
        """Who has this key; None for a text that is none, and for one that is unknown, expired or revoked. Raises UnavailableError."""
        if len(credential) != KEY_LENGTH or not credential.startswith(_PREFIX):
            return None
        key_id = credential[_ID]
        if key_id not in self._verdicts and key_id not in self._refusals and parse_key_id(credential) is None:
            return None
        return await self._judge(key_id, compute_digest(credential))

    async def reauthenticate(self, holder: Holder) -> Principal | None:
        """Who has the key of this principal; None as `authenticate` does, and if the principal has no key. Raises UnavailableError."""
        key_id = holder.principal.id.encode()
        if holder.principal.kind != "key" or len(key_id) != _ID.stop - _ID.start:
            return None
        return await self._judge(key_id, holder.digest)

    async def _judge(self, key_id: bytes, digest: bytes) -> Principal | None:
        now = self._monotonic()
        verdict = self._verdicts.get(key_id) or self._refusals.get(key_id)
        if verdict is None or now - verdict.read_at > REFRESH_AGE:
            verdict = await self._renew(key_id, verdict, now)
        if not self._is_valid(verdict, digest):
            return None
        if now - verdict.recorded_at > USE_INTERVAL:
            self._note_use(verdict, now)
        return verdict.principal

    def _is_valid(self, verdict: CachedVerdict, digest: bytes) -> bool:
        is_current = hmac.compare_digest(digest, verdict.digest)
        if not is_current and not (hmac.compare_digest(digest, verdict.previous_digest) and self._clock() < verdict.previous_expires_at):
            return False
        return verdict.principal is not None and (verdict.expires_at is None or self._clock() < verdict.expires_at)

    def _note_use(self, verdict: CachedVerdict, now: float) -> None:
        verdict.recorded_at = now
        if verdict.principal:
            self._used[verdict.principal.id] = self._clock()

    async def _renew(self, key_id: bytes, verdict: CachedVerdict | None, now: float) -> CachedVerdict:
        """A verdict that may be used. Raises UnavailableError."""
        is_outage = now < self._retry_at
        if verdict and now - verdict.read_at <= MAX_AGE:
            if not is_outage:
                self._start_read(key_id)
            return verdict
        try:
            if is_outage:
                raise UnavailableError("PostgreSQL did not answer a moment ago")
            return await asyncio.shield(self._start_read(key_id))
        except UnavailableError:
            if verdict and verdict.principal and now - verdict.read_at <= self._outage_limit:
                return verdict
            raise

    def _start_read(self, key_id: bytes) -> "asyncio.Task[CachedVerdict]":
        """The task that reads a key; one at a time for an id."""
        if (task := self._reads.get(key_id)) is None:
            task = self._reads[key_id] = asyncio.create_task(self._read(key_id))
            task.add_done_callback(_retrieve_error)
        return task

    async def _read(self, key_id: bytes) -> CachedVerdict:
        read_at, before = self._monotonic(), self._verdicts.get(key_id)
        try:
            verdict = CachedVerdict(await self._find_verdict(key_id.decode()), read_at)
        except UnavailableError:
            self._retry_at = self._monotonic() + RETRY_DELAY
            raise
        finally:
            del self._reads[key_id]
        if before:
            verdict.recorded_at = before.recorded_at
        self._store(key_id, verdict)
        return verdict

    def _store(self, key_id: bytes, verdict: CachedVerdict) -> None:
        target, other = (self._verdicts, self._refusals) if verdict.principal else (self._refusals, self._verdicts)
        other.pop(key_id, None)
        target[key_id] = verdict
        target.move_to_end(key_id)
        if len(target) > MAX_VERDICTS:
            target.popitem(last=False)

    async def flush_uses(self) -> None:
        """Write the uses since the last time; those that cannot be written are forgotten."""
        used, self._used = self._used, {}
        if used:
            with suppress(UnavailableError):
                await self._record_uses(used)

    async def flush_forever(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Write the uses of keys from time to time, until cancelled."""
        while True:
            await sleep(FLUSH_INTERVAL)
            await self.flush_uses()


def build_principal(stored: StoredVerdict) -> Principal:
    """Who has a key."""
    key = stored.key
    permissions = select_permissions(key.role, key.scopes, is_test=key.is_test)
    return Principal("key", key.id, key.name, key.role, permissions, key.project, key.is_test)


def _retrieve_error(task: "asyncio.Task[CachedVerdict]") -> None:
    """Whoever waits for the task gets its error; a refresh in the background has nobody who waits."""
    if not task.cancelled():
        task.exception()
