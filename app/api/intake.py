"""From a submission to a 202: decode, check, write to Kafka, answer; an answer is given only when Kafka has confirmed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from app.api.bodies import BulkTaken, Item, Taken
from app.api.ports import Outgoing, Publisher, Recent, Replies
from app.api.problems import Flaw, Problem, ProblemFound, flaw_at, moved, problem
from app.api.rulebook import Rulebook
from app.api.submission import decode_many, decode_one, flaw_in, invalid, lane_for
from schemas.errors import Unavailable
from schemas.ids import NOTIFICATION, new_id, partition_of
from schemas.notification import Submission
from schemas.ports import Clock, Policies
from schemas.replies import Fresh, Other, Reply, Running
from schemas.rules import Policy
from schemas.sizes import batch_size
from schemas.topics import MAX_NOTIFICATION_BYTES, notifications
from schemas.words import Lane, Reason

ENCODE = msgspec.json.Encoder().encode
RETRY_AFTER = 2  # seconds
MAX_KEY = 200  # characters; a bulk request adds an item's index, and an idempotency key has at most 256


class Ready(NamedTuple):
    """A checked notification as it goes to Kafka."""

    id: str
    lane: Lane
    record: Outgoing


class Answer(NamedTuple):
    """The answer to a request, and what the log says of it."""

    reply: Reply
    noted: Mapping[str, str | int]


class Intake:
    """Takes submissions; `bits` gives 74 random bits for an id."""

    def __init__(self, publisher: Publisher, policies: Policies, replies: Replies, recent: Recent, clock: Clock,
                 bits: Callable[[], int], partitions: int, prefix: str) -> None:  # fmt: skip
        self._publisher, self._policies, self._replies, self._recent = publisher, policies, replies, recent
        self._clock, self._bits, self._partitions, self._prefix = clock, bits, partitions, prefix
        self._policy: Policy | None = None
        self._rulebook: Rulebook | None = None
        self._remembering: set[asyncio.Task[None]] = set()

    async def take_one(self, body: bytes, key: str | None) -> Answer:
        """The answer to one notification. Raises ProblemFound."""
        return await self._once(b"one", body, key, lambda: self._take_one(body, key))

    async def take_many(self, body: bytes, key: str | None) -> Answer:
        """The answer to a bulk request: 202 if all are accepted, 207 if some are. Raises ProblemFound if none is."""
        return await self._once(b"many", body, key, lambda: self._take_many(body, key))

    async def _once(self, route: bytes, body: bytes, key: str | None, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do the work, or give the answer that the first request with this key was given."""
        if key is None:
            return await work()
        if not 1 <= len(key) <= MAX_KEY:
            raise ProblemFound(problem("bad-request", f"an Idempotency-Key has 1 to {MAX_KEY} characters"))
        digest = blake2b(route + b"\0" + body, digest_size=16).hexdigest()
        begun = await self._replies.begin(key, digest)
        if isinstance(begun, Reply):
            return Answer(begun, {"again": True})
        if isinstance(begun, Running):
            raise ProblemFound(problem("in-progress", "wait for its answer, then ask again", retry_after=1))
        if isinstance(begun, Other):
            raise ProblemFound(problem("key-in-use", "a key is for one body only: take a new one"))
        return await self._answer(key, digest, begun.token, work)

    async def _answer(self, key: str, digest: str, token: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await work()
        except BaseException:
            await self._replies.forget(key, token)
            raise
        if answer.reply.keep:
            await self._replies.end(key, digest, token, answer.reply)
        else:
            await self._replies.forget(key, token)
        return answer

    async def _take_one(self, body: bytes, key: str | None) -> Answer:
        ready = self._ready(decode_one(body), key, self._clock())
        if isinstance(ready, Flaw):
            raise ProblemFound(_problem_of(ready))
        (confirmed,) = await self._publisher.publish([ready.record])
        if not confirmed:
            raise ProblemFound(_unconfirmed([ready.id]))
        self._remember([ready])
        return Answer(Reply(202, ENCODE(Taken(ready.id, ready.lane))), {"id": ready.id, "lane": ready.lane})

    async def _take_many(self, body: bytes, key: str | None) -> Answer:
        now = self._clock()
        root, items = decode_many(body)
        checked = [self._checked(item, f"{root}[{index}]", f"{key}#{index}" if key else None, now) for index, item in enumerate(items)]
        ready = [item for item in checked if isinstance(item, Ready)]
        if not ready:
            raise ProblemFound(invalid([item for item in checked if isinstance(item, Flaw)]))
        confirmed = await self._publisher.publish([item.record for item in ready])
        if not any(confirmed):
            raise ProblemFound(_unconfirmed([item.id if isinstance(item, Ready) else "" for item in checked]))
        self._remember([item for item, safe in zip(ready, confirmed, strict=True) if safe])
        verdicts = iter(confirmed)
        return _bulk_answer([_result(index, item, verdicts) for index, item in enumerate(checked)])

    def _checked(self, item: Submission | Flaw, place: str, key: str | None, now: float) -> Ready | Flaw:
        checked = item if isinstance(item, Flaw) else self._ready(item, key, now)
        return moved(checked, place) if isinstance(checked, Flaw) else checked

    def _ready(self, submission: Submission, key: str | None, now: float) -> Ready | Flaw:
        rulebook = self._current()
        if key and submission.idempotency_key not in (None, key):
            return flaw_at("$.idempotency_key", "differs from the Idempotency-Key header: give one of them")
        lane = lane_for(submission, rulebook)
        stamped = _stamped(submission, submission.id or new_id(NOTIFICATION, now, self._bits()), key, now)
        user, value = submission.user_id.encode(), ENCODE(stamped)
        if flaw := flaw_in(stamped, value, rulebook, now):
            return flaw
        if batch_size(user, value, ()) > MAX_NOTIFICATION_BYTES:
            detail = f"{len(value)} bytes are more than fit into a record of {MAX_NOTIFICATION_BYTES}"
            return flaw_at("$", detail, Reason.TOO_LARGE)
        topic = self._prefix + notifications(lane)
        return Ready(stamped.id or "", lane, Outgoing(topic, partition_of(submission.user_id, self._partitions), user, value))

    def _current(self) -> Rulebook | None:
        try:
            policy = self._policies.current()
        except Unavailable:
            return None
        if policy is not self._policy:
            self._policy, self._rulebook = policy, Rulebook(policy, self._rulebook)
        return self._rulebook

    def _remember(self, accepted: Sequence[Ready]) -> None:
        """Tell Redis, without keeping the client waiting for it."""
        task = asyncio.create_task(self._recent.remember([Fresh(item.id, item.lane) for item in accepted]))
        self._remembering.add(task)
        task.add_done_callback(self._remembering.discard)


def _stamped(submission: Submission, notification_id: str, key: str | None, now: float) -> Submission:
    """What goes to Kafka: with id and time, and without the priority, which the topic says."""
    created = now if submission.created_at is None else submission.created_at
    key = submission.idempotency_key or key
    return msgspec.structs.replace(submission, id=notification_id, created_at=created, idempotency_key=key, priority=UNSET)


def _problem_of(flaw: Flaw) -> Problem:
    return problem("too-large", flaw.detail, [flaw]) if flaw.reason == Reason.TOO_LARGE else invalid([flaw])


def _unconfirmed(ids: list[str]) -> Problem:
    detail = "Kafka did not confirm it; perhaps it was written all the same."
    advice = "Try again with the same Idempotency-Key or with these ids: then nobody is told twice."
    return problem("unavailable", f"{detail} {advice}", ids=ids, retry_after=RETRY_AFTER)


def _result(index: int, item: Ready | Flaw, confirmed: Iterator[bool]) -> Item:
    if isinstance(item, Flaw):
        return Item(index, "refused", errors=[item])
    return Item(index, "accepted" if next(confirmed) else "unavailable", item.id, item.lane)


def _bulk_answer(results: list[Item]) -> Answer:
    """The answer to a bulk request with these results."""
    counts = {status: sum(item.status == status for item in results) for status in ("accepted", "refused", "unavailable")}
    status = 202 if counts["accepted"] == len(results) else 207
    return Answer(Reply(status, ENCODE(BulkTaken(**counts, results=results)), not counts["unavailable"]), counts)
