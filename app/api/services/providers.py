"""What operators see and do about the accounts of providers: breakers, times and errors of calls, and pauses by hand."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from agents.providers.request import parse_url
from app.api.error_pages import find_error_page
from app.api.problems import ProblemError, build_field_error, build_validation_problem
from app.api.provider_bodies import ProviderAccount, ProviderAccounts, ProviderError
from app.api.services.provider_states import NamedAccount, ProviderStates
from schemas.account_pauses import AccountPause, PauseRequest, ResumeRequest
from schemas.channels import CHANNELS
from schemas.errors import UnavailableError
from schemas.lifetimes import HOUR
from schemas.ports import Clock
from schemas.projects import project_in_force
from schemas.provider_results import CallTimes, FailureCount
from schemas.timestamps import explain_implausible, is_plausible, to_epoch_seconds
from schemas.users import ChangeOrigin
from tables.postgres.account_pauses import AccountPauseStore
from tables.postgres.provider_results import PostgresProviderResults

MAX_ERRORS: Final = 5  # of an account

_PER_HOST: Final = frozenset(channel.name for channel in CHANNELS if channel.is_limited_per_host)


class History(NamedTuple):
    """What PostgreSQL knows of accounts: pauses, and the times and failures of calls of the last hour."""

    pauses: Sequence[AccountPause]
    times: Sequence[CallTimes]
    failures: Sequence[FailureCount]


class Providers:
    """`accounts`: those of the settings, which `states` lists; `clock` in epoch seconds."""

    def __init__(
        self,
        accounts: Sequence[NamedAccount],
        states: ProviderStates,
        pauses: AccountPauseStore,
        results: PostgresProviderResults,
        clock: Clock,
    ) -> None:
        self._accounts, self._states, self._pauses, self._results, self._clock = accounts, states, pauses, results, clock

    async def describe(self) -> ProviderAccounts:
        """All accounts with what is known of them."""
        known, history = await asyncio.gather(self._states.list_accounts(), self._read_history())
        if history is None:
            return replace(known, knows_history=False)
        items = [add_history(item, named, history) for item, named in zip(known.items, self._accounts, strict=True)]
        return replace(known, items=items, pauses=[*history.pauses])

    async def pause(self, request: PauseRequest, origin: ChangeOrigin) -> AccountPause:
        """The pause of an account of the settings or of a webhook host. Raises ProblemError for what is neither, and UnavailableError."""
        return await self._pauses.pause(replace(request, account=self._check(request)), origin)

    async def resume(self, request: ResumeRequest, origin: ChangeOrigin) -> AccountPause:
        """The pause that has ended. Raises MissingPauseError and UnavailableError."""
        return await self._pauses.resume(find_origin(request.account) or request.account, origin)

    def _check(self, request: PauseRequest) -> str:
        ends_at, now = request.ends_at, self._clock()
        if ends_at is not None and not is_plausible(ends_at):
            raise _build_problem("$.ends_at", explain_implausible(ends_at))
        if ends_at is not None and to_epoch_seconds(ends_at) <= now:
            raise _build_problem("$.ends_at", "must be in the future")
        if origin := find_origin(request.account):
            return origin
        channels = {named.account.channel for named in self._accounts if named.account.name == request.account}
        if not channels:
            names = ", ".join(sorted({named.account.name for named in self._accounts if named.account.channel not in _PER_HOST}))
            raise _build_problem("$.account", f"there is no such account; there are {names}, and webhook hosts as https://shop.example.org")
        if channels <= _PER_HOST:
            text = "each host of webhooks is an account of its own: name one, as https://shop.example.org"
            raise _build_problem("$.account", text)
        return request.account

    async def _read_history(self) -> History | None:
        since, token = self._clock() - HOUR, project_in_force.set(None)  # accounts belong to all projects
        try:
            reads = self._pauses.list_pauses(), self._results.measure_calls(since), self._results.count_failures(since)
            return History(*await asyncio.gather(*reads))
        except UnavailableError:
            return None
        finally:
            project_in_force.reset(token)


def find_origin(text: str) -> str:
    """The origin of a webhook host or URL, which is the name of its account; empty for what is none."""
    try:
        return parse_url(text).origin
    except ValueError:
        return ""


def add_history(item: ProviderAccount, named: NamedAccount, history: History) -> ProviderAccount:
    """The account with its pause, and with the times and errors of its calls."""
    pause = next((one for one in history.pauses if one.account == item.name), None)
    times = next((one for one in history.times if one.provider == named.provider), None)
    failures = [one for one in history.failures if one.provider == named.provider]
    item = replace(item, pause=pause, errors=list_errors(failures, named.module))
    return item if times is None else replace(item, p95_ms=times.p95_ms, measured_calls=times.calls)


def list_errors(failures: Sequence[FailureCount], module: str) -> list[ProviderError]:
    """The most frequent errors, with the vendor's pages."""
    return [
        ProviderError(one.code, one.outcome, one.reason, one.detail, find_error_page(module, one.code), one.calls, one.last_at)
        for one in failures[:MAX_ERRORS]
    ]


def _build_problem(path: str, text: str) -> ProblemError:
    return ProblemError(build_validation_problem([build_field_error(path, text)]))
