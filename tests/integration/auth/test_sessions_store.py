"""Sessions and refresh tokens in PostgreSQL."""

import asyncio

import pytest

from schemas.accounts import Account
from schemas.permissions import Role
from tables.postgres.database import Database
from tables.postgres.sessions import KEPT_SECONDS, ROTATION_GRACE, ReusedToken, RotatedSession
from tests.integration.auth.account_stores import IDLE_TIMEOUT, ORIGIN, SESSION_LIFETIME, AccountStores


class Harness(AccountStores):
    """An account with a session, whose first refresh token is `t0`."""

    account: Account
    session_id: str

    async def log_in(self, token_hash: bytes = b"t0") -> str:
        started = await self.sessions.start(self.account.id, "password", "curl", token_hash, ORIGIN)
        assert started is not None
        return started.id

    async def rotate(self, number: int) -> RotatedSession | ReusedToken | None:
        """Exchange token number `number` for the next one."""
        return await self.sessions.rotate(b"t%d" % number, b"t%d" % (number + 1), ORIGIN)

    async def age(self, token_hash: bytes, seconds: float) -> None:
        """Let the exchange of a token be so many seconds ago."""
        query = "update refresh_tokens set rotated_at = rotated_at - make_interval(secs => $2::float8) where token_hash = $1"
        await self.database.fetch(query, token_hash, seconds)


@pytest.fixture
async def harness(database_copy: Database) -> Harness:
    harness = Harness(database_copy)
    harness.account = await harness.create(projects=["shop"])
    harness.session_id = await harness.log_in()
    return harness


async def test_a_login_begins_a_session(harness: Harness) -> None:
    state = await harness.sessions.get_state(harness.session_id)
    assert state is not None
    assert (state.account_id, state.email, state.role, state.projects, state.token_version) == (
        harness.account.id,
        "ada@example.org",
        Role.OPERATOR,
        ["shop"],
        0,
    )
    (session,) = await harness.sessions.list_sessions(harness.account.id, 10, "")
    assert (session.id, session.method, session.client) == (harness.session_id, "password", "curl")
    assert session.expires_at - session.created_at == pytest.approx(SESSION_LIFETIME)
    assert (await harness.accounts.get(harness.account.id)).last_login_at is not None
    assert await harness.list_actions(harness.account.id) == ["create", "login"]


async def test_a_login_does_not_raise_the_version_of_the_account(harness: Harness) -> None:
    assert (await harness.accounts.get(harness.account.id)).version == harness.account.version


async def test_each_token_is_exchanged_for_the_next_one(harness: Harness) -> None:
    for number in range(3):
        rotated = await harness.rotate(number)
        assert isinstance(rotated, RotatedSession)
        assert (rotated.id, rotated.account_id) == (harness.session_id, harness.account.id)


async def test_a_token_that_comes_twice_at_once_gives_the_same_next_one(harness: Harness) -> None:
    results = await asyncio.gather(*(harness.rotate(0) for _ in range(3)))
    assert all(isinstance(result, RotatedSession) for result in results)
    assert len(await harness.database.fetch("select 1 from refresh_tokens")) == 2
    await harness.age(b"t0", ROTATION_GRACE - 1)
    assert isinstance(await harness.rotate(0), RotatedSession)


async def test_a_token_that_comes_again_later_ends_the_session(harness: Harness) -> None:
    await harness.rotate(0)
    await harness.age(b"t0", ROTATION_GRACE + 1)
    reused = await harness.rotate(0)
    assert reused == ReusedToken(harness.session_id, harness.account.id)
    assert await harness.rotate(1) is None
    assert await harness.rotate(0) is None
    assert await harness.sessions.get_state(harness.session_id) is None
    assert await harness.list_actions(harness.account.id) == ["create", "login", "refresh_token_reused"]


async def test_a_reused_token_ends_its_session_only(harness: Harness) -> None:
    other = await harness.log_in(b"other")
    await harness.rotate(0)
    await harness.age(b"t0", ROTATION_GRACE + 1)
    await harness.rotate(0)
    assert await harness.sessions.get_state(other) is not None


async def test_an_unknown_token_is_none(harness: Harness) -> None:
    assert await harness.sessions.rotate(b"unknown", b"next", ORIGIN) is None
    assert await harness.sessions.get_state("ses_1") is None
    assert await harness.sessions.get_state(harness.account.id) is None


async def test_a_token_that_was_not_used_for_long_has_expired(harness: Harness) -> None:
    (row,) = await harness.database.fetch("select extract(epoch from expires_at - created_at)::float8 as seconds from refresh_tokens")
    assert row["seconds"] == pytest.approx(IDLE_TIMEOUT)
    await harness.database.fetch("update refresh_tokens set expires_at = now()")
    assert await harness.rotate(0) is None


async def test_a_token_lives_no_longer_than_its_session(harness: Harness) -> None:
    await harness.database.fetch("update sessions set expires_at = now() + interval '60 seconds'")
    await harness.rotate(0)
    query = "select refresh_tokens.expires_at = sessions.expires_at as is_equal from refresh_tokens, sessions where token_hash = $1"
    (row,) = await harness.database.fetch(query, b"t1")
    assert row["is_equal"]
    await harness.database.fetch("update sessions set expires_at = now()")
    assert await harness.rotate(1) is None
    assert await harness.sessions.get_state(harness.session_id) is None


async def test_all_sessions_but_one_are_ended(harness: Harness) -> None:
    kept = await harness.log_in(b"k0")
    account = await harness.accounts.revoke_all(harness.account.id, "logout_everywhere", ORIGIN, kept)
    assert await harness.rotate(0) is None
    state = await harness.sessions.get_state(kept)
    assert state is not None
    assert state.token_version == account.token_version == 1
    assert isinstance(await harness.sessions.rotate(b"k0", b"k1", ORIGIN), RotatedSession)
    assert [one.id for one in await harness.sessions.list_sessions(harness.account.id, 10, "")] == [kept]


async def test_a_session_is_ended_by_its_account_once(harness: Harness) -> None:
    stranger = await harness.create("bob@example.org")
    assert not await harness.sessions.end(harness.session_id, stranger.id, "logout", ORIGIN)
    assert await harness.sessions.end(harness.session_id, harness.account.id, "logout", ORIGIN)
    assert not await harness.sessions.end(harness.session_id, harness.account.id, "logout", ORIGIN)
    assert not await harness.sessions.end("ses_1", None, "logout", ORIGIN)
    assert await harness.sessions.list_sessions(harness.account.id, 10, "") == []


async def test_the_session_of_a_token_is_found_also_after_its_exchange(harness: Harness) -> None:
    await harness.rotate(0)
    assert await harness.sessions.find_by_refresh_token(b"t0") == harness.session_id
    assert await harness.sessions.find_by_refresh_token(b"t1") == harness.session_id
    assert await harness.sessions.find_by_refresh_token(b"x") is None


async def test_sessions_that_ended_long_ago_are_deleted_at_the_next_login(harness: Harness) -> None:
    ended = await harness.log_in(b"e0")
    await harness.sessions.end(ended, None, "logout", ORIGIN)
    query = "update sessions set revoked_at = revoked_at - make_interval(secs => $1::float8) where revoked_at is not null"
    await harness.database.fetch(query, KEPT_SECONDS + 1)
    await harness.log_in(b"n0")
    ids = [row["id"].hex for row in await harness.database.fetch("select id from sessions")]
    assert ended[4:] not in ids
    assert harness.session_id[4:] in ids


async def test_sessions_are_listed_by_page(harness: Harness) -> None:
    second = await harness.log_in(b"s0")
    assert [one.id for one in await harness.sessions.list_sessions(harness.account.id, 1, "")] == [second]
    assert [one.id for one in await harness.sessions.list_sessions(harness.account.id, 1, second)] == [harness.session_id]
