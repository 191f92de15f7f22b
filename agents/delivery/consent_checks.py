"""Checks consent again for the deliveries that need it: one look-up for all that wait, and another if the call comes long after it.

The look-up goes through the cache of profiles, where it costs one read. A delivery whose consent cannot be confirmed waits in the waiting
room. A retry takes those that have waited longest, and goes on as long as anything becomes known.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from agents.delivery.in_flight import InFlight
from agents.delivery.waiting_room import WaitingRoom
from schemas.consent import MAX_CONSENT_AGE, find_objection
from schemas.delivery import Delivery
from schemas.errors import UnavailableError
from schemas.ports import CallLater, Clock
from schemas.profile import Profile, build_address_key
from schemas.store_ports import ProfileReader

RETRY_SECONDS = 1.0
RETRY_DELIVERIES = 2000  # of one look-up of a retry


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
        waiting_room: WaitingRoom,
        on_checked: Callable[[CheckedConsent], None],
        on_unavailable: Callable[[int, str], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._profiles, self._clock, self._call_later = profiles, clock, call_later
        self._on_checked, self._on_unavailable, self._on_error = on_checked, on_unavailable, on_error
        self._waiting_room = waiting_room
        self._waiting: list[InFlight] = []  # for their first look-up
        self._delayed: deque[InFlight] = deque()  # a look-up has failed; the oldest first
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
        if self._is_unavailable:
            self._waiting_room.admit(in_flight)
        elif self._task is None:
            self._start()

    def get_delayed(self) -> list[InFlight]:
        """The deliveries that wait because the look-up has failed."""
        return [*self._checking, *self._waiting, *self._delayed] if self._is_unavailable else []

    def stop(self) -> None:
        """Check nothing more."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        if self._task is None and not self._is_stopped:
            self._task = asyncio.get_running_loop().create_task(self._check_all(), name="consent-checks")

    async def _check_all(self) -> None:
        """Check what waits for its first look-up, then what is delayed; if something is not known, again after RETRY_SECONDS."""
        try:
            rest = len(self._delayed)
            while self._waiting or rest > 0:
                is_retry = not self._waiting
                self._checking = self._take_delayed(rest) if is_retry else self._take_waiting()
                rest -= len(self._checking) * is_retry
                checked = await self._check([in_flight for in_flight in self._checking if not in_flight.is_revoked])
                self._checking = []
                self._delay(checked.unknown)
                self._on_checked(checked)
                if is_retry and checked.unknown and not (checked.allowed or checked.forbidden):
                    break
            self._is_unavailable = bool(self._delayed)
            if self._delayed:
                self._call_later(RETRY_SECONDS, self._start)
        except Exception as error:
            self._on_error(error)
        finally:
            self._task = None

    def _take_waiting(self) -> list[InFlight]:
        taken, self._waiting = self._waiting, []
        return taken

    def _take_delayed(self, count: int) -> list[InFlight]:
        return [self._delayed.popleft() for _ in range(min(count, RETRY_DELIVERIES))]

    def _delay(self, unknown: list[InFlight]) -> None:
        """Let these wait for the next retry, in the waiting room."""
        if unknown and not self._is_unavailable:
            self._on_unavailable(len(unknown), self._cause or "the profiles are too old")
            self._is_unavailable = True
        self._cause = ""
        for in_flight in unknown:
            self._delayed.append(in_flight)
            self._waiting_room.admit(in_flight)

    async def _check(self, waiting: list[InFlight]) -> CheckedConsent:
        began_at = self._clock()
        profiles = await self._look_up([in_flight.delivery for in_flight in waiting])
        checked = CheckedConsent([], [], [])
        for in_flight in waiting:
            if in_flight.is_revoked:
                continue
            delivery = in_flight.delivery
            objection = _judge(delivery, profiles)
            if objection is None and began_at < delivery.expires_at:
                checked.unknown.append(in_flight)
                continue
            in_flight.end_wait()
            if objection and began_at < delivery.expires_at:
                checked.forbidden.append((in_flight, objection))
            else:
                in_flight.consent_checked_at = began_at
                checked.allowed.append(in_flight)
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
