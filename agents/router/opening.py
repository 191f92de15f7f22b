"""Opens what is sealed in the notifications of a batch, and gives each the sealer for what it writes (docs/decisions/0047)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.router.gates import decode, repartition
from agents.router.gates.order import check_record
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import Reject, Repartition, build_dead_letter_verdict
from schemas.enums import Reason
from schemas.errors import ErasedError, SealError, UnavailableError, UnknownDataKeyError
from schemas.notification import SealedNotification
from schemas.ports import Header
from schemas.sealed_records import is_sealed_record, open_notification
from schemas.sealing import Sealer
from schemas.user_keys import SealerReader


class OpenedRecord(NamedTuple):
    """A record that was sealed as a whole, with the value that it had."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


class Opening:
    """Without a reader nothing is sealed, and what is sealed cannot be opened."""

    def __init__(self, sealers: SealerReader | None, failure_limit: ConsecutiveFailureLimit) -> None:
        self._sealers, self._failure_limit = sealers, failure_limit

    async def open(self, states: list[RoutingState], context: GateContext) -> tuple[list[RoutingState], str]:
        """Open what is sealed. Returns the states whose keys could not be read, which are as they were, and why."""
        if self._sealers is None:
            for state in states:
                if state.needs_opening:
                    _stop(state, SealError("it is sealed, and the settings of encryption have no keys"))
            return [], ""
        await self._sealers.refresh()
        needing = [state for state in states if self._needs_key(state)]
        if not needing:
            return [], ""
        sealers, cause = await _read(self._sealers, needing, fresh=False)
        unknown = self._open_all(needing, sealers, context)
        if unknown:  # of keys that are newer than the cache, or of none
            sealers, cause = await _read(self._sealers, [state for state, _ in unknown], fresh=True)
            for state, error in self._open_all([state for state, _ in unknown], sealers, context):
                _stop(state, error)
                self._take_sealer(state, sealers[state.notification.user_id])
        waiting = [state for state in needing if self._needs_key(state)]
        return waiting, (cause or f"the keys that {len(waiting)} notifications need could not be read") if waiting else ""

    def _needs_key(self, state: RoutingState) -> bool:
        return state.opener is None and (self._seals(state) or state.needs_opening or state.is_digest)

    def _seals(self, state: RoutingState) -> bool:
        return self._sealers is not None and self._sealers.seals(state.notification.user_id)

    def _open_all(
        self, states: Iterable[RoutingState], sealers: Mapping[str, Sealer], context: GateContext
    ) -> list[tuple[RoutingState, UnknownDataKeyError]]:
        """Open those whose sealers are there; returns those that name a key which the sealers do not have."""
        unknown = []
        for state in states:
            sealer = sealers.get(state.notification.user_id)
            if sealer is None or (self._seals(state) and not sealer.can_seal):
                continue
            try:
                if state.needs_opening:
                    self._open(state, sealer, context)
            except UnknownDataKeyError as error:
                unknown.append((state, error))
                continue
            except (ErasedError, SealError) as error:
                _stop(state, error)
            self._take_sealer(state, sealer)
        return unknown

    def _open(self, state: RoutingState, sealer: Sealer, context: GateContext) -> None:
        value, notification = state.record.value, state.notification
        if value is not None and is_sealed_record(value):  # judged anew, as the record that it was
            record, opened = state.record, sealer.open("record", state.id, value)
            state.record = OpenedRecord(record.offset, record.timestamp, record.key, opened, record.headers)
            state.needs_opening = False
            check_record(state, context, self._failure_limit)
        elif isinstance(notification, SealedNotification):
            state.notification = open_notification(notification, state.id, sealer)
            state.needs_opening, state.is_sealed = False, True

    def _take_sealer(self, state: RoutingState, sealer: Sealer) -> None:
        state.opener, state.sealer = sealer, sealer if self._seals(state) else None
        if state.sealer is not None and isinstance(state.verdict, Repartition):  # it was built without the sealer
            state.verdict = repartition.repartition(state, state.verdict.partition)


async def _read(reader: SealerReader, states: Iterable[RoutingState], *, fresh: bool) -> tuple[Mapping[str, Sealer], str]:
    try:
        return await reader.get_many([state.notification.user_id for state in states], fresh=fresh), ""
    except UnavailableError as error:
        return {}, str(error)


def _stop(state: RoutingState, error: ErasedError | SealError) -> None:
    state.stopped_at, state.needs_opening, state.is_sealed = decode.NAME, False, True
    is_erased = isinstance(error, ErasedError)
    state.verdict = Reject(Reason.ERASED) if is_erased else build_dead_letter_verdict(Reason.SEAL_BROKEN, str(error))
