"""Cancels and moves held notifications: asks the scheduler over Kafka, and waits for what it has decided to appear in the history."""

from collections.abc import Callable
from functools import partial

import msgspec

from agents.scheduler.changes import CANCELLED, RESCHEDULED
from app.api.ports import HistoryReader, ProducerRecord, Publisher
from app.api.presenter import find_next_decision_at
from schemas.enums import PRIORITIES, State
from schemas.errors import UnavailableError
from schemas.events import DecidedEvent
from schemas.ids import compute_partition
from schemas.ports import Sleep
from schemas.scheduled import Cancel, Reschedule
from schemas.topics import get_scheduled_topic

POLL_INTERVAL = 0.1  # seconds
CLOCK_TICK = 0.001  # seconds; the scheduler's times are no finer
MAX_POLLS = 30  # of the history; a scheduler and a recorder without backlog need two or three

IsDone = Callable[[DecidedEvent], bool]
BuildRequest = Callable[[DecidedEvent], Cancel | Reschedule]


class HeldChanges:
    """Requests changes of held notifications. Who decides is the scheduler: the entry is there, or it is too late."""

    def __init__(self, publisher: Publisher, history: HistoryReader, sleep: Sleep, partitions: int, topic_prefix: str) -> None:
        self._publisher, self._history, self._sleep = publisher, history, sleep
        self._partitions, self._topic_prefix = partitions, topic_prefix

    async def cancel(self, held: DecidedEvent) -> DecidedEvent | None:
        """The decision that answers the request to cancel; None if there is none in time. Raises UnavailableError."""
        return await self._request(held, build_cancel, is_cancelled)

    async def reschedule(self, held: DecidedEvent, due_at: float) -> DecidedEvent | None:
        """The decision that answers the request to release at `due_at` (epoch seconds); None if there is none in time.

        Raises UnavailableError.
        """
        if find_next_decision_at(held) == due_at:  # the scheduler does not report what changes nothing
            return held
        return await self._request(held, partial(build_reschedule, due_at=due_at), lambda decided: is_moved(held, decided, due_at))

    async def _request(self, held: DecidedEvent, build_request: BuildRequest, is_done: IsDone) -> DecidedEvent | None:
        """What was requested, or what came first. A notification that was released and held again meanwhile is requested again."""
        await self._publish(held, build_request(held))
        for _ in range(MAX_POLLS):
            await self._sleep(POLL_INTERVAL)
            history = await self._history.get_notification_history(held.id, held.user_id)
            decided = history.decided if history else None
            if decided is None or decided.resume_count <= held.resume_count:
                continue
            if find_next_decision_at(decided) is None or is_done(decided):
                return decided
            held = decided
            await self._publish(held, build_request(held))
        return None

    async def _publish(self, held: DecidedEvent, request: Cancel | Reschedule) -> None:
        user_key = held.user_id.encode()
        partition, value = compute_partition(held.user_id, self._partitions), msgspec.json.encode(request)
        # the history does not say which priority the entry has; where it is not, nothing happens
        topics = [self._topic_prefix + get_scheduled_topic(priority) for priority in PRIORITIES]
        confirmed = await self._publisher.publish([ProducerRecord(topic, partition, user_key, value) for topic in topics])
        if not all(confirmed):
            raise UnavailableError("Kafka has not confirmed the request; it may still be carried out")


def build_cancel(held: DecidedEvent) -> Cancel:
    """The request to cancel what is held."""
    return Cancel(held.id, held.user_id)


def build_reschedule(held: DecidedEvent, due_at: float) -> Reschedule:
    """The request to move what is held by this decision, and not what is changed or held anew since then."""
    return Reschedule(held.id, held.user_id, due_at, held.resume_count + 1)


def is_cancelled(decided: DecidedEvent) -> bool:
    """Whether the scheduler has cancelled the notification, or what was left of it."""
    return decided.state in (State.REJECTED, State.ROUTED) and decided.reason == CANCELLED


def is_moved(held: DecidedEvent, decided: DecidedEvent, due_at: float) -> bool:
    """Whether the scheduler has moved the notification to this time since it was `held`; it may be released since then."""
    if find_next_decision_at(decided) == due_at:
        return True
    entries = decided.decision_log[len(held.decision_log) :]
    times = [entry.inputs.get("until") for entry in entries if entry.reason == RESCHEDULED]
    return any(isinstance(until, int | float) and abs(until - due_at) < CLOCK_TICK for until in times)
