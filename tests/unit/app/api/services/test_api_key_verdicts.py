"""What a gateway knows of API keys: for how long, and what it does while PostgreSQL does not answer."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from app.api.principal import Credential, Holder, Principal, build_holder
from app.api.services import api_key_verdicts
from app.api.services.api_key_verdicts import MAX_AGE, REFRESH_AGE, RETRY_DELAY, USE_INTERVAL, ApiKeyVerdicts, Times
from schemas.api_keys import ApiKey, StoredVerdict, build_key_text, compute_digest
from schemas.errors import UnavailableError
from schemas.permissions import Permission, Role

NOW = 1_760_000_000.0
OUTAGE_LIMIT = 600.0
ID = "k3v2x2ab"
KEY = build_key_text(ID, bytes(32), is_test=False).encode()
OLD_KEY = build_key_text(ID, b"\1" * 32, is_test=False).encode()
STORED = ApiKey(ID, "shop", Role.SERVICE, [], False, None, None, None, None, NOW, "ada", 1)


@dataclass
class Keys:
    """The stored keys by id, and the gateway's verdicts; `is_down` stands for a PostgreSQL that does not answer."""

    stored: dict[str, StoredVerdict] = field(default_factory=lambda: {ID: StoredVerdict(STORED, compute_digest(KEY), b"")})
    is_down: bool = False
    now: float = 0.0
    reads: int = 0
    used: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.verdicts = ApiKeyVerdicts(self.find, self.record, Times(lambda: NOW + self.now, lambda: self.now), OUTAGE_LIMIT)

    async def find(self, key_id: str) -> StoredVerdict | None:
        self.reads += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise UnavailableError("PostgreSQL does not answer")
        return self.stored.get(key_id)

    async def record(self, used: dict[str, float]) -> None:
        if self.is_down:
            raise UnavailableError("PostgreSQL does not answer")
        self.used.append(used)

    def store(self, digest: bytes = compute_digest(KEY), previous: bytes = b"", **changes: object) -> None:
        self.stored[ID] = StoredVerdict(msgspec.structs.replace(STORED, **changes), digest, previous)

    async def judge(self, credential: bytes = KEY) -> Principal | None:
        return await self.verdicts.authenticate("bearer", credential)

    async def finish_reads(self) -> None:
        """Let the reads in the background end."""
        await asyncio.gather(*self.verdicts._reads.values(), return_exceptions=True)


async def test_a_key_is_read_once_and_then_known() -> None:
    keys = Keys()
    principals = [await keys.judge() for _ in range(3)]
    assert keys.reads == 1
    assert principals[0]
    assert (principals[0].id, principals[0].role, principals[0].is_test) == (ID, Role.SERVICE, False)
    assert principals[2] is principals[0]


async def test_many_requests_at_once_read_a_key_once() -> None:
    keys = Keys()
    assert all(await asyncio.gather(*(keys.judge() for _ in range(20))))
    assert keys.reads == 1


@pytest.mark.parametrize("credential", [b"", b"k" * 67, KEY[:-1], KEY[:-1] + b"!", KEY.replace(b"live", b"test"), KEY + b"x"])
async def test_what_is_no_key_is_not_looked_up(credential: bytes) -> None:
    keys = Keys()
    assert await keys.judge(credential) is None
    assert keys.reads == 0


async def test_another_secret_or_kind_is_refused_also_while_the_key_is_known() -> None:
    keys = Keys()
    await keys.judge()
    for credential in (OLD_KEY, KEY.replace(b"live", b"test"), KEY[:-1] + b"!"):
        assert await keys.judge(credential) is None


async def test_an_id_that_no_key_has_is_remembered() -> None:
    keys = Keys(stored={})
    assert [await keys.judge() for _ in range(3)] == [None] * 3
    assert keys.reads == 1


async def test_guessed_ids_push_no_key_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_key_verdicts, "MAX_VERDICTS", 2)
    keys = Keys()
    await keys.judge()
    for number in range(5):
        assert await keys.judge(build_key_text(f"aaaaaaa{'abcde'[number]}", bytes(32), is_test=False).encode()) is None
    assert keys.reads == 6
    assert await keys.judge()
    assert keys.reads == 6
    assert len(keys.verdicts._refusals) == 2


async def test_a_revocation_counts_after_the_refresh_in_the_background() -> None:
    keys = Keys()
    await keys.judge()
    keys.store(revoked_at=NOW)
    keys.now = REFRESH_AGE + 0.1
    assert await keys.judge()
    await keys.finish_reads()
    assert await keys.judge() is None


async def test_a_revocation_counts_at_once_in_a_gateway_that_had_no_request_meanwhile() -> None:
    keys = Keys()
    await keys.judge()
    keys.store(revoked_at=NOW)
    keys.now = MAX_AGE + 0.1
    assert await keys.judge() is None


async def test_both_secrets_count_during_the_overlap_of_a_rotation() -> None:
    keys = Keys()
    keys.store(previous=compute_digest(OLD_KEY), previous_expires_at=NOW + 5)
    assert await keys.judge(OLD_KEY)
    assert await keys.judge(KEY)
    keys.now = 5.0
    assert await keys.judge(OLD_KEY) is None
    assert await keys.judge(KEY)


async def test_a_key_ends_with_its_expiry_whatever_is_remembered() -> None:
    keys = Keys()
    keys.store(expires_at=NOW + 5)
    assert await keys.judge()
    keys.now = 5.0
    assert await keys.judge() is None
    assert keys.reads == 1


async def test_without_postgres_a_known_key_goes_on_until_the_limit() -> None:
    keys = Keys()
    await keys.judge()
    keys.is_down = True
    for keys.now in (REFRESH_AGE + 1, MAX_AGE + 1, OUTAGE_LIMIT):
        assert await keys.judge()
        await keys.finish_reads()
    keys.now = OUTAGE_LIMIT + 0.1
    with pytest.raises(UnavailableError):
        await keys.judge()


async def test_without_postgres_nobody_knows_another_key_and_expired_ones_end() -> None:
    keys = Keys()
    keys.store(expires_at=NOW + MAX_AGE + 1)
    await keys.judge()
    keys.is_down = True
    with pytest.raises(UnavailableError):
        await keys.judge(build_key_text("aaaaaaaa", bytes(32), is_test=False).encode())
    keys.now = MAX_AGE + 2
    assert await keys.judge() is None


async def test_postgres_is_not_asked_at_every_request_of_an_outage() -> None:
    keys = Keys()
    await keys.judge()
    keys.is_down, keys.now = True, MAX_AGE + 1
    assert all([await keys.judge() for _ in range(10)])
    assert keys.reads == 2
    keys.now += RETRY_DELAY
    keys.is_down = False
    assert await keys.judge()
    assert keys.reads == 3


async def test_uses_are_sampled_and_written_later() -> None:
    keys = Keys()
    for keys.now in (1.0, 2.0, 3.0):
        await keys.judge()
    await keys.verdicts.flush_uses()
    await keys.verdicts.flush_uses()
    assert keys.used == [{ID: NOW + 1.0}]
    keys.now = 1.0 + USE_INTERVAL + 0.1
    await keys.judge()
    keys.is_down = True
    await keys.verdicts.flush_uses()
    assert len(keys.used) == 1


async def test_scopes_and_tests_limit_the_principal() -> None:
    keys = Keys()
    keys.store(role=Role.ADMIN, scopes=["notifications:send", "rules:write"], is_test=True, project="acme")
    principal = await keys.judge()
    assert principal
    assert (principal.permissions, principal.project, principal.is_test) == ({Permission.NOTIFICATIONS_SEND}, "acme", True)


def hold(credential: bytes = KEY, key_id: str = ID) -> Holder:
    return build_holder(Principal("key", key_id, "shop", Role.SERVICE, frozenset()), Credential("bearer", credential))


async def test_the_holder_of_a_key_is_asked_for_again_without_its_text() -> None:
    keys = Keys()
    assert await keys.verdicts.reauthenticate(hold()) == await keys.judge()
    assert await keys.verdicts.reauthenticate(hold(OLD_KEY)) is None
    assert await keys.verdicts.reauthenticate(hold(key_id="bootstrap")) is None


async def test_the_holder_of_a_revoked_key_is_not_valid() -> None:
    keys = Keys()
    assert await keys.verdicts.reauthenticate(hold())
    keys.store(revoked_at=NOW)
    keys.now = MAX_AGE + 1
    assert await keys.verdicts.reauthenticate(hold()) is None


async def test_the_holder_of_a_text_before_the_rotation_is_valid_for_the_overlap() -> None:
    keys = Keys()
    keys.store(previous=compute_digest(OLD_KEY), previous_expires_at=NOW + 5)
    assert await keys.verdicts.reauthenticate(hold(OLD_KEY))
    keys.now = 6
    assert await keys.verdicts.reauthenticate(hold(OLD_KEY)) is None
