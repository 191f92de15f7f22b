"""Checks consent again for the deliveries that need it: one look-up for all that wait, and another if the call comes long after it.

The look-up goes through the cache of profiles, where it costs one read. A delivery whose consent cannot be confirmed waits.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from agents.delivery.in_flight import InFlight
from schemas.consent import MAX_CONSENT_AGE, find_objection
from schemas.delivery import Delivery
from schemas.errors import UnavailableError
from schemas.ports import CallLater, Clock
from schemas.profile import Profile, build_address_key
from schemas.store_ports import ProfileReader

RETRY_SECONDS = 1.0


class CheckedConsent(NamedTuple):
    """The deliveries that may be called for, those that may not with the reason, and those of which it is not known."""

    allowed: list[InFlight]
    forbidden: list[tuple[InFlight, str]]
    unknown: list[InFlight]


class ConsentChecks:
    """`on_checked` gets each result, `on_error` an unexpected error; `on_unavailable` the count and cause when a look-up fails at first."""

    def __init__(
        self,
        profiles: ProfileReader,
        clock: Clock,
        call_later: CallLater,
        on_checked: Callable[[CheckedConsent], None],
        on_unavailable: Callable[[int, str], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._profiles, self._clock, self._call_later = profiles, clock, call_later
        self._on_checked, self._on_unavailable, self._on_error = on_checked, on_unavailable, on_error
        self._waiting: list[InFlight] = []
        self._checking: list[InFlight] = []  # those of the look-up under way, which may take long during an outage
        self._task: asyncio.Task[None] | None = None
        self._is_unavailable = self._is_stopped = False
        self._cause = ""

    def must_check(self, in_flight: InFlight, now: float) -> bool:
        """Whether the consent of a delivery was checked too long ago."""
        return not 0 <= now - in_flight.consent_checked_at <= MAX_CONSENT_AGE

    def add(self, in_flight: InFlight) -> None:
        """Check a delivery, with all others that are added before the next look-up."""
        self._waiting.append(in_flight)
        self._start()

    def get_delayed(self) -> list[InFlight]:
        """The deliveries that wait because the look-up has failed."""
        return [*self._checking, *self._waiting] if self._is_unavailable else []

    def stop(self) -> None:
        """Check nothing more."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        if self._task is None and not self._is_unavailable and not self._is_stopped:
            self._task = asyncio.get_running_loop().create_task(self._check_waiting(), name="consent-checks")

    def _retry(self) -> None:
        if not self._is_stopped and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._check_waiting(), name="consent-checks")

    async def _check_waiting(self) -> None:
        """Check until nothing waits; if something is not known, again after RETRY_SECONDS."""
        try:
            while self._waiting:
                self._checking, self._waiting = self._waiting, []
                checked = await self._check([in_flight for in_flight in self._checking if not in_flight.is_revoked])
                self._checking, self._waiting[:0] = [], checked.unknown
                if checked.unknown and not self._is_unavailable:
                    self._on_unavailable(len(checked.unknown), self._cause or "the profiles are too old")
                self._is_unavailable, self._cause = bool(checked.unknown), ""
                self._on_checked(checked)
                if checked.unknown:
                    self._call_later(RETRY_SECONDS, self._retry)
                    break
        except Exception as error:
            self._on_error(error)
        finally:
            self._task = None

    async def _check(self, waiting: list[InFlight]) -> CheckedConsent:
        began_at = self._clock()
        profiles = await self._look_up([in_flight.delivery for in_flight in waiting])
        checked = CheckedConsent([], [], [])
        for in_flight in waiting:
            if in_flight.is_revoked:
                continue
            delivery = in_flight.delivery
            objection = _judge(delivery, profiles)
            if began_at >= delivery.expires_at or objection == "":
                in_flight.consent_checked_at = began_at
                checked.allowed.append(in_flight)
            elif objection is None:
                checked.unknown.append(in_flight)
            else:
                checked.forbidden.append((in_flight, objection))
        return checked

    async def _look_up(self, deliveries: Iterable[Delivery]) -> Mapping[str, Profile]:
        """The profiles of the users, and the suppressions of the addresses that none of them has."""
        profiles = await self._read([delivery.user_id for delivery in deliveries])
        keys = [
            build_address_key(delivery.channel, delivery.address)
            for delivery in deliveries
            if (profile := profiles.get(delivery.user_id)) and delivery.address not in profile.addresses.get(delivery.channel, ())
        ]
        return {**profiles, **await self._read(keys)} if keys else profiles

    async def _read(self, keys: list[str]) -> Mapping[str, Profile]:
        try:
            return await self._profiles.get_many(keys)
        except UnavailableError as error:
            self._cause = str(error)
            return {}


def _judge(delivery: Delivery, profiles: Mapping[str, Profile]) -> str | None:
    """Why consent forbids a delivery: a reason, nothing, or None if it is not known."""
    profile = profiles.get(delivery.user_id)
    if profile is None or not profile.consent_known:
        return None
    suppressions = profile.suppressions
    if delivery.address not in profile.addresses.get(delivery.channel, ()):
        of_address = profiles.get(build_address_key(delivery.channel, delivery.address))
        if of_address is None or not of_address.consent_known:
            return None
        suppressions = [*suppressions, *of_address.suppressions]
    return find_objection(profile.choices, suppressions, delivery.channel, delivery.address, delivery.category, delivery.consent or "none")
