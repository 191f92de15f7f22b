"""From a submission to a 202: decode, check, write to Kafka, answer; an answer is given only when Kafka has confirmed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from app.api.ports import IdempotentResponses, ProducerRecord, Publisher, RecentNotifications
from app.api.problems import FieldError, ProblemDetails, ProblemError, build_field_error, build_problem, prefix_path
from app.api.responses import BulkResult, BulkSubmissionResponse, SubmissionResponse
from app.api.services.policy_validation import PolicyValidator
from app.api.services.submission_validation import (
    build_validation_problem,
    decode_bulk,
    decode_submission,
    find_field_error,
    resolve_priority,
)
from schemas.enums import Priority, Reason
from schemas.errors import UnavailableError
from schemas.idempotent_responses import KeyConflict, KeyInProgress, RecentNotification, StoredResponse
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.notification import Submission
from schemas.policy import Policy
from schemas.ports import Clock, PolicyReader
from schemas.record_size import compute_batch_size
from schemas.topics import MAX_NOTIFICATION_BYTES, get_notifications_topic

encode_json = msgspec.json.Encoder().encode
RETRY_AFTER_SECONDS = 2  # seconds
MAX_KEY_LENGTH = 200  # characters; a bulk request adds an item's index, and an idempotency key has at most 256


class ValidatedNotification(NamedTuple):
    """A checked notification as it goes to Kafka."""

    id: str
    priority: Priority
    record: ProducerRecord


class SubmissionResult(NamedTuple):
    """The answer to a request, and what the log says of it."""

    response: StoredResponse
    log_fields: Mapping[str, str | int]


class SubmissionService:
    """Takes submissions; `generate_bits` gives 74 random bits for an id."""

    def __init__(
        self,
        publisher: Publisher,
        policy_reader: PolicyReader,
        idempotent_responses: IdempotentResponses,
        recent_notifications: RecentNotifications,
        clock: Clock,
        generate_bits: Callable[[], int],
        partitions: int,
        topic_prefix: str,
    ) -> None:
        self._publisher, self._policy_reader = publisher, policy_reader
        self._idempotent_responses, self._recent_notifications = idempotent_responses, recent_notifications
        self._clock, self._generate_bits, self._partitions, self._topic_prefix = clock, generate_bits, partitions, topic_prefix
        self._policy: Policy | None = None
        self._policy_validator: PolicyValidator | None = None
        self._background_tasks: set[asyncio.Task[None]] = set()

    async def submit(self, body: bytes, idempotency_key: str | None) -> SubmissionResult:
        """The answer to one notification. Raises ProblemFound."""
        return await self._run_idempotent(b"submit", body, idempotency_key, lambda: self._publish_one(body, idempotency_key))

    async def submit_bulk(self, body: bytes, idempotency_key: str | None) -> SubmissionResult:
        """The answer to a bulk request: 202 if all are accepted, 207 if some are. Raises ProblemFound if none is."""
        return await self._run_idempotent(b"submit_bulk", body, idempotency_key, lambda: self._publish_bulk(body, idempotency_key))

    async def _run_idempotent(
        self, route: bytes, body: bytes, key: str | None, work: Callable[[], Awaitable[SubmissionResult]]
    ) -> SubmissionResult:
        """Do the work, or give the answer that the first request with this key was given."""
        if key is None:
            return await work()
        if not 1 <= len(key) <= MAX_KEY_LENGTH:
            raise ProblemError(build_problem("bad-request", f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters"))
        digest = blake2b(route + b"\0" + body, digest_size=16).hexdigest()
        begun = await self._idempotent_responses.acquire_key(key, digest)
        if isinstance(begun, StoredResponse):
            return SubmissionResult(begun, {"replayed": True})
        if isinstance(begun, KeyInProgress):
            raise ProblemError(build_problem("idempotency-key-in-progress", "wait for its answer, then ask again", retry_after=1))
        if isinstance(begun, KeyConflict):
            raise ProblemError(build_problem("idempotency-key-conflict", "a key is for one body only: take a new one"))
        return await self._run_and_store(key, digest, begun.token, work)

    async def _run_and_store(self, key: str, digest: str, token: str, work: Callable[[], Awaitable[SubmissionResult]]) -> SubmissionResult:
        try:
            answer = await work()
        except BaseException:
            await self._idempotent_responses.release_key(key, token)
            raise
        if answer.response.cacheable:
            await self._idempotent_responses.store_response(key, digest, token, answer.response)
        else:
            await self._idempotent_responses.release_key(key, token)
        return answer

    async def _publish_one(self, body: bytes, key: str | None) -> SubmissionResult:
        ready = self._validate(decode_submission(body), key, self._clock())
        if isinstance(ready, FieldError):
            raise ProblemError(_to_problem(ready))
        (confirmed,) = await self._publisher.publish([ready.record])
        if not confirmed:
            raise ProblemError(_build_unconfirmed_problem([ready.id]))
        self._store_recent([ready])
        return SubmissionResult(
            StoredResponse(202, encode_json(SubmissionResponse(ready.id, ready.priority))),
            {"notification_id": ready.id, "priority": ready.priority},
        )

    async def _publish_bulk(self, body: bytes, key: str | None) -> SubmissionResult:
        now = self._clock()
        root, items = decode_bulk(body)
        checked = [
            self._validate_item(item, f"{root}[{index}]", f"{key}#{index}" if key else None, now) for index, item in enumerate(items)
        ]
        ready = [item for item in checked if isinstance(item, ValidatedNotification)]
        if not ready:
            raise ProblemError(build_validation_problem([item for item in checked if isinstance(item, FieldError)]))
        confirmed = await self._publisher.publish([item.record for item in ready])
        if not any(confirmed):
            raise ProblemError(_build_unconfirmed_problem([item.id if isinstance(item, ValidatedNotification) else "" for item in checked]))
        self._store_recent([item for item, safe in zip(ready, confirmed, strict=True) if safe])
        verdicts = iter(confirmed)
        return _build_bulk_response([_build_bulk_result(index, item, verdicts) for index, item in enumerate(checked)])

    def _validate_item(self, item: Submission | FieldError, path: str, key: str | None, now: float) -> ValidatedNotification | FieldError:
        checked = item if isinstance(item, FieldError) else self._validate(item, key, now)
        return prefix_path(checked, path) if isinstance(checked, FieldError) else checked

    def _validate(self, submission: Submission, key: str | None, now: float) -> ValidatedNotification | FieldError:
        rulebook = self._get_policy_validator()
        if key and submission.idempotency_key not in (None, key):
            return build_field_error("$.idempotency_key", "differs from the Idempotency-Key header: give one of them")
        priority = resolve_priority(submission, rulebook)
        stamped = _set_id_and_time(submission, submission.id or make_id(NOTIFICATION_PREFIX, now, self._generate_bits()), key, now)
        user, value = submission.user_id.encode(), encode_json(stamped)
        if flaw := find_field_error(stamped, value, rulebook, now):
            return flaw
        if compute_batch_size(user, value, ()) > MAX_NOTIFICATION_BYTES:
            detail = f"{len(value)} bytes are more than fit into a record of {MAX_NOTIFICATION_BYTES}"
            return build_field_error("$", detail, Reason.TOO_LARGE)
        topic = self._topic_prefix + get_notifications_topic(priority)
        return ValidatedNotification(
            stamped.id or "", priority, ProducerRecord(topic, compute_partition(submission.user_id, self._partitions), user, value)
        )

    def _get_policy_validator(self) -> PolicyValidator | None:
        try:
            policy = self._policy_reader.get_current()
        except UnavailableError:
            return None
        if policy is not self._policy:
            self._policy, self._policy_validator = policy, PolicyValidator(policy, self._policy_validator)
        return self._policy_validator

    def _store_recent(self, accepted: Sequence[ValidatedNotification]) -> None:
        """Tell Redis, without keeping the client waiting for it."""
        task = asyncio.create_task(self._recent_notifications.add_many([RecentNotification(item.id, item.priority) for item in accepted]))
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)


def _set_id_and_time(submission: Submission, notification_id: str, key: str | None, now: float) -> Submission:
    """What goes to Kafka: with id and time, and without the priority, which the topic says."""
    created = now if submission.created_at is None else submission.created_at
    key = submission.idempotency_key or key
    return msgspec.structs.replace(submission, id=notification_id, created_at=created, idempotency_key=key, priority=UNSET)


def _to_problem(error: FieldError) -> ProblemDetails:
    return build_problem("too-large", error.detail, [error]) if error.reason == Reason.TOO_LARGE else build_validation_problem([error])


def _build_unconfirmed_problem(ids: list[str]) -> ProblemDetails:
    detail = "Kafka did not confirm it; perhaps it was written all the same."
    advice = "Try again with the same Idempotency-Key or with these ids: then nobody is told twice."
    return build_problem("unavailable", f"{detail} {advice}", ids=ids, retry_after=RETRY_AFTER_SECONDS)


def _build_bulk_result(index: int, item: ValidatedNotification | FieldError, confirmed: Iterator[bool]) -> BulkResult:
    if isinstance(item, FieldError):
        return BulkResult(index, "invalid", errors=[item])
    return BulkResult(index, "accepted" if next(confirmed) else "unavailable", item.id, item.priority)


def _build_bulk_response(results: list[BulkResult]) -> SubmissionResult:
    """The answer to a bulk request with these results."""
    counts = {status: sum(item.status == status for item in results) for status in ("accepted", "invalid", "unavailable")}
    status = 202 if counts["accepted"] == len(results) else 207
    return SubmissionResult(
        StoredResponse(status, encode_json(BulkSubmissionResponse(**counts, results=results)), not counts["unavailable"]), counts
    )
