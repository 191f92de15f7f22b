"""What the records of a batch change: entries that are stored, cancelled or moved. Pure decisions on the rows that were read."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from agents.scheduler.delivery_events import CancelledDelivery, build_cancelled
from agents.scheduler.due_queue import DueQueue
from schemas.enums import Priority, State
from schemas.events import DecidedEvent, GateResult, StatusEvent
from schemas.lifetimes import MAX_CREATED_AT_ERROR, MAX_SEND_AHEAD
from schemas.scheduled import Cancel, Reschedule, Scheduled
from schemas.timestamps import Timestamp, to_epoch_seconds
from tables import due

GATE = "schedule"
CANCELLED = "cancelled"
RESCHEDULED = "rescheduled"
STEP_FAILED = "step_failed"
REASONS = {
    CANCELLED: "it was cancelled while it was held",
    RESCHEDULED: "it is held until another time than at first",
    STEP_FAILED: "the channel before has failed, so the next one follows at once",
}
"""What each reason of the scheduler means, as a clause."""
REMEDIES = {
    CANCELLED: "the notification would have to be submitted again",
    RESCHEDULED: "",
    STEP_FAILED: "",
}
"""What would have changed the result, for each reason."""

_decode_scheduled = msgspec.json.Decoder(Scheduled).decode
_encode = msgspec.json.Encoder().encode


Result = DecidedEvent | StatusEvent | CancelledDelivery | None


class Payload(Struct):
    """What the event of a cancelled or moved notification needs of it."""

    type: str = ""
    category: str | None = None
    created_at: Timestamp | None = None
    is_test: bool = False


_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_payload = msgspec.json.Decoder(Payload).decode


class Changes:
    """The rows of a batch as they change; later records of the batch see what earlier ones have changed."""

    def __init__(self, queue: DueQueue, rows: Mapping[bytes, bytes | None]) -> None:
        """`rows`: the index rows of all records, and the entry rows of those to cancel or move, as they were read."""
        self._queue, self._rows = queue, rows
        self.changed: dict[bytes, bytes | None] = {}
        self.first_times: dict[Priority, int] = {}

    def store(self, scheduled: Scheduled, value: bytes, priority: Priority) -> str:
        """Store an entry; one that waits already is replaced if it was resumed less often, one that was cancelled never.

        `value`: the record's JSON.
        """
        index_key = due.encode_index_key(scheduled.user_id, scheduled.id)
        existing = self._find_index_row(index_key)
        if existing is not None:
            if existing.is_cancelled or existing.resume_count >= scheduled.resume_count:
                return "replayed"
            self._remove(existing, scheduled.user_id, scheduled.id)
        row = due.IndexRow(priority, self._queue.compute_due_ms(priority, scheduled.due_at), scheduled.resume_count)
        self._put(row, scheduled.user_id, scheduled.id, due.encode_entry_row(value))
        return "stored"

    def cancel(self, cancel: Cancel, now: float) -> tuple[str, Result]:
        """Cancel an entry that is not released. Returns the result, and the event of the notification or delivery, or its last record.

        A digest is released at once instead: the router has its window, closes it and decides that it is cancelled.
        """
        found = self._find_entry(cancel.user_id, cancel.id)
        if found is None:
            return "not_found", None
        index_row, scheduled = found
        if scheduled.is_digest:
            return self._cancel_digest(index_row, scheduled, now), None
        event: Result
        if scheduled.resume_gate:
            event = _build_event(scheduled, index_row.priority, "reject", CANCELLED, {"due_at": scheduled.due_at}, now)
        else:
            event = build_cancelled(scheduled, now)
        self._remove(index_row, cancel.user_id, cancel.id)
        until = self._queue.compute_due_ms(index_row.priority, now + due.CANCELLED_ROWS)
        cancelled = due.IndexRow(index_row.priority, until, index_row.resume_count, is_cancelled=True)
        self._put(cancelled, cancel.user_id, cancel.id, due.CANCELLED_ENTRY)
        return "cancelled", event

    def reschedule(self, reschedule: Reschedule, now: float) -> tuple[str, DecidedEvent | None]:
        """Move an entry that is not released, and not there already. Returns the result, and the event of a moved notification."""
        found = self._find_entry(reschedule.user_id, reschedule.id)
        if found is None:
            return "not_found", None
        index_row, scheduled = found
        due_at = _limit_due_at(scheduled, reschedule.due_at)
        if scheduled.due_at == due_at or scheduled.is_cancelled:  # each request comes three times, once over each priority
            return "replayed", None
        if reschedule.resume_count not in (0, scheduled.resume_count):
            return "outdated", None
        if reschedule.after_failure and (not scheduled.routed_channels or due_at > scheduled.due_at):
            return "outdated", None
        reason = STEP_FAILED if reschedule.after_failure else RESCHEDULED
        event = _build_event(scheduled, index_row.priority, "hold", reason, {"until": due_at}, now)
        moved = _move(scheduled, due_at)
        self.store(moved, _encode(moved), index_row.priority)
        return "rescheduled", event

    def _cancel_digest(self, index_row: due.IndexRow, scheduled: Scheduled, now: float) -> str:
        if scheduled.is_cancelled:
            return "replayed"
        cancelled = msgspec.structs.replace(scheduled, due_at=min(scheduled.due_at, now), is_cancelled=True)
        self._remove(index_row, scheduled.user_id, scheduled.id)
        row = due.IndexRow(index_row.priority, self._queue.compute_due_ms(index_row.priority, cancelled.due_at), scheduled.resume_count)
        self._put(row, scheduled.user_id, scheduled.id, due.encode_entry_row(_encode(cancelled)))
        return "cancelled"

    def _find_entry(self, user_id: str, entry_id: str) -> tuple[due.IndexRow, Scheduled] | None:
        index_row = self._find_index_row(due.encode_index_key(user_id, entry_id))
        if index_row is None or index_row.is_cancelled:
            return None
        entry_key = due.encode_entry_key(index_row.priority, index_row.due_ms, user_id, entry_id)
        row = self.changed[entry_key] if entry_key in self.changed else self._rows[entry_key]
        if row is None:
            raise LookupError("an index row of the table due leads to no entry")
        return index_row, _decode_scheduled(due.get_scheduled(row))

    def _find_index_row(self, index_key: bytes) -> due.IndexRow | None:
        row = self.changed[index_key] if index_key in self.changed else self._rows[index_key]
        return None if row is None else due.decode_index_row(row)

    def _put(self, index_row: due.IndexRow, user_id: str, entry_id: str, entry_row: bytes) -> None:
        priority, due_ms = index_row.priority, index_row.due_ms
        self.changed[due.encode_entry_key(priority, due_ms, user_id, entry_id)] = entry_row
        self.changed[due.encode_index_key(user_id, entry_id)] = due.encode_index_row(index_row)
        self.first_times[priority] = min(due_ms, self.first_times.get(priority, due_ms))

    def _remove(self, index_row: due.IndexRow, user_id: str, entry_id: str) -> None:
        self.changed[due.encode_entry_key(index_row.priority, index_row.due_ms, user_id, entry_id)] = None
        self.changed[due.encode_index_key(user_id, entry_id)] = None


def _limit_due_at(scheduled: Scheduled, due_at: float) -> float:
    """A notification waits no longer than the latest send_at, or than it waits already: after that its id would be too old.

    The next step of an escalation waits no longer than until the notification expires.
    """
    if scheduled.routed_channels:
        return min(due_at, scheduled.expires_at)
    return min(due_at, max(_compute_latest(scheduled), scheduled.due_at)) if scheduled.resume_gate else due_at


def _compute_latest(scheduled: Scheduled) -> float:
    """The latest send_at of a request. Over HTTP it counts from `created_at`, which may be so much later than the record."""
    return scheduled.record_time / 1000 + MAX_SEND_AHEAD + MAX_CREATED_AT_ERROR


def _move(scheduled: Scheduled, due_at: float) -> Scheduled:
    """The entry with another time. That is the notification's `send_at` from now on, because it expires so long after it.

    What has gone out on some channels already expires as it did.
    """
    payload = scheduled.payload
    if scheduled.resume_gate and not scheduled.routed_channels:
        payload = Raw(_encode({**_decode_fields(payload), "send_at": min(due_at, _compute_latest(scheduled))}))
    return msgspec.structs.replace(scheduled, due_at=due_at, payload=payload, resume_count=scheduled.resume_count + 1)


def _build_event(
    scheduled: Scheduled, priority: Priority, verdict: Literal["hold", "reject"], reason: str, inputs: Mapping[str, object], now: float
) -> DecidedEvent | None:
    """The event of a notification; None for a delivery, whose notification was routed. An escalation that ends leaves it routed."""
    if not scheduled.resume_gate:
        return None
    payload = _decode_payload(scheduled.payload)
    state = State.ROUTED if scheduled.routed_channels else State.HELD if verdict == "hold" else State.REJECTED
    return DecidedEvent(
        scheduled.id,
        scheduled.user_id,
        state,
        now,
        _find_created_at(payload, scheduled.record_time / 1000),
        priority,
        payload.type,
        payload.category or scheduled.category,
        reason,
        decision_log=[GateResult(GATE, verdict, reason, dict(inputs))],
        expires_at=scheduled.expires_at,
        resume_count=scheduled.resume_count,
        is_test=payload.is_test,
    )


def _find_created_at(payload: Payload, record_time: float) -> float:
    """The time of submission as the router takes it: the producer's, unless it is far off the broker's."""
    created_at = to_epoch_seconds(payload.created_at) if payload.created_at is not None else record_time
    return created_at if abs(created_at - record_time) <= MAX_CREATED_AT_ERROR else record_time
