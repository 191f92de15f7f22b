"""Who bears an access token, and how long a session that has ended is believed to go on."""

import asyncio

import msgspec
import pytest

from app.api.principal import Credential, build_holder
from app.auth import authenticator
from app.auth.access_tokens import AccessTokens
from app.auth.authenticator import (
    STATE_SECONDS,
    AccountPrincipal,
    SessionStates,
    build_account_authenticator,
    build_account_reauthenticator,
)
from schemas.accounts import SessionState
from schemas.errors import UnavailableError
from schemas.permissions import Permission, Role
from tests.fakes import run_pending_tasks
from tests.signing_key_builders import build_keys

STATE = SessionState("acc_1", "ada@example.org", "Ada", Role.VIEWER, ["shop", "blog"], 3, 1000.0)


class FakeSessions:
    """The states of sessions; None stands for one that has ended. Counts how often it is asked."""

    def __init__(self) -> None:
        self.states: dict[str, SessionState | None] = {"ses_1": STATE}
        self.asked, self.error = 0, False
        self.gate: asyncio.Event | None = None

    async def get_state(self, session_id: str) -> SessionState | None:
        self.asked += 1
        if self.error:
            raise UnavailableError("PostgreSQL does not answer")
        state = self.states.get(session_id)
        if self.gate:
            await self.gate.wait()
        return state


class Harness:
    def __init__(self) -> None:
        self.now, self.sessions, keys = 0.0, FakeSessions(), build_keys()
        self.states = SessionStates(self.sessions, lambda: self.now)  # type: ignore[arg-type]
        self.tokens = AccessTokens(lambda: keys, "herold", "herold", 900, lambda: 1_795_851_813.0, lambda: "jti")
        self.authenticate = build_account_authenticator(self.tokens, self.states.get)

    async def find(
        self, account: str = "acc_1", session: str = "ses_1", version: int = 3, project: str = "shop"
    ) -> AccountPrincipal | None:
        """Who bears a token that says this."""
        found = await self.authenticate("bearer", self.tokens.sign(account, session, version, project).encode())
        assert found is None or isinstance(found, AccountPrincipal)
        return found


async def test_the_bearer_has_the_role_and_project_of_the_session() -> None:
    person = await Harness().find(project="blog")
    assert person is not None
    assert (person.actor, person.name, person.role, person.project) == ("account:acc_1", "Ada", Role.VIEWER, "blog")
    assert Permission.RULES_READ in person.permissions
    assert Permission.RULES_WRITE not in person.permissions
    assert (person.email, person.session_id, person.session_started_at) == ("ada@example.org", "ses_1", 1000.0)


@pytest.mark.parametrize(
    "claims", [{"version": 2}, {"version": 4}, {"account": "acc_2"}, {"project": "bank"}, {"project": ""}, {"session": "ses_2"}]
)
async def test_a_token_that_does_not_fit_its_session_is_nobody(claims: dict[str, str | int]) -> None:
    assert await Harness().find(**claims) is None  # type: ignore[arg-type]


async def test_an_api_key_and_garbage_ask_no_database() -> None:
    harness = Harness()
    token = harness.tokens.sign("acc_1", "ses_1", 3, "shop").encode()
    assert await harness.authenticate("api-key", token) is None
    assert await harness.authenticate("bearer", b"hrl_live_abc") is None
    assert await harness.authenticate("bearer", b"\xff\xfe") is None
    assert harness.sessions.asked == 0


async def test_a_session_is_looked_up_again_in_time_for_a_revocation_within_30_seconds() -> None:
    harness = Harness()
    assert STATE_SECONDS <= 30 - 10  # a look-up may take as long as a command of PostgreSQL
    assert await harness.find()
    harness.sessions.states["ses_1"] = None
    harness.now = STATE_SECONDS - 0.1
    assert await harness.find()
    assert harness.sessions.asked == 1
    harness.now = STATE_SECONDS
    assert await harness.find() is None


async def test_a_new_role_counts_after_the_next_look_up() -> None:
    harness = Harness()
    await harness.find()
    harness.sessions.states["ses_1"] = msgspec.structs.replace(STATE, role=Role.ADMIN)
    harness.states.forget("ses_1")
    person = await harness.find()
    assert person is not None
    assert person.role is Role.ADMIN


async def test_a_look_up_that_a_revocation_overtakes_is_not_kept() -> None:
    harness = Harness()
    harness.sessions.gate = asyncio.Event()
    request = asyncio.create_task(harness.find())
    await run_pending_tasks()
    harness.sessions.states["ses_1"] = None
    harness.states.forget("ses_1")
    harness.sessions.gate.set()
    assert await request, "it began before"
    assert await harness.find() is None


async def test_nobody_is_believed_while_the_database_does_not_answer() -> None:
    harness = Harness()
    assert await harness.find()
    harness.sessions.error = True
    assert await harness.find()
    harness.now = STATE_SECONDS
    with pytest.raises(UnavailableError):
        await harness.find()


async def test_so_many_sessions_are_known_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "MAX_STATES", 2)
    harness = Harness()
    for session in ("ses_1", "ses_2", "ses_3"):
        await harness.states.get(session)
    assert harness.sessions.asked == 3
    await harness.states.get("ses_3")
    await harness.states.get("ses_1")
    assert harness.sessions.asked == 4


@pytest.mark.parametrize(
    ("state", "is_valid"),
    [
        (STATE, True),
        (None, False),
        (msgspec.structs.replace(STATE, account_id="acc_2"), False),
        (msgspec.structs.replace(STATE, projects=["blog"]), False),
    ],
)
async def test_a_person_is_asked_for_again_by_the_session(state: SessionState | None, is_valid: bool) -> None:
    harness = Harness()
    person = await harness.find()
    assert person is not None
    holder = build_holder(person, Credential("bearer", b"an expired token"))
    assert not hasattr(holder.principal, "email")
    harness.sessions.states["ses_1"], harness.now = state, STATE_SECONDS
    assert (await build_account_reauthenticator(harness.states.get)(holder) is not None) is is_valid


async def test_a_person_who_is_asked_for_again_has_the_role_of_now() -> None:
    harness = Harness()
    person = await harness.find()
    assert person is not None
    harness.sessions.states["ses_1"], harness.now = msgspec.structs.replace(STATE, role=Role.SERVICE), STATE_SECONDS
    principal = await build_account_reauthenticator(harness.states.get)(build_holder(person, Credential("bearer", b"t")))
    assert principal is not None
    assert Permission.LIVE_READ not in principal.permissions
