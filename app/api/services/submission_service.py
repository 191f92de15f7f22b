"""Submission of notifications: decode, validate, publish, respond with 202 after Kafka has confirmed."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from app.api.ports import IdempotentResponses, ProducerRecord, Publisher, RecentNotifications
from app.api.principal import Principal
from app.api.problems import (
    FieldError,
    ProblemDetails,
    ProblemError,
    build_field_error,
    build_problem,
    build_validation_problem,
    prefix_path,
)
from app.api.responses import BulkResult, BulkSubmissionResponse, SubmissionResponse
from app.api.services.idempotency_keys import BAD_KEY, build_key_problem, is_valid_key
from app.api.services.policy_validation import PolicyValidator
from app.api.services.request_fingerprint import compute_fingerprint
from app.api.services.submission_projects import RESERVED, TOO_LONG, find_long_field, find_reserved_field, qualify_key, qualify_submission
from app.api.services.submission_validation import (
    decode_bulk,
    decode_submission,
    find_field_error,
    resolve_priority,
)
from schemas.enums import Priority, Reason
from schemas.errors import UnavailableError
from schemas.idempotent_responses import KeyAcquired, RecentNotification, StoredResponse
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.json_errors import BYTE_ORDER_MARK
from schemas.notification import Submission
from schemas.policy import Policy
from schemas.ports import Clock
from schemas.projects import qualify
from schemas.record_size import compute_batch_size
from schemas.sealed_records import seal_notification
from schemas.sealing import Sealer
from schemas.store_ports import PolicyReader
from schemas.timestamps import Timestamp, to_epoch_seconds
from schemas.topics import MAX_NOTIFICATION_BYTES, get_notifications_topic
from schemas.user_keys import SealerReader

encode_json = msgspec.json.Encoder().encode
UNCONFIRMED_RETRY_AFTER = 2  # seconds
KEYS_UNAVAILABLE = "the keys that seal personal data cannot be read"


class ValidatedNotification(NamedTuple):
    """A valid notification and its record for Kafka."""

    id: str
    priority: Priority
    record: ProducerRecord


class SubmissionResult(NamedTuple):
    """The response to a request, and the fields for its log line."""

    response: StoredResponse
    log_fields: Mapping[str, str | int]


class SubmittedRequest(NamedTuple):
    """A request to submit, and whose it is; `key` is its Idempotency-Key."""

    route: bytes
    body: bytes
    key: str | None
    principal: Principal


class SubmissionService:
    """Accepts submissions; `generate_bits` returns 74 random bits for an id, `clock` epoch seconds."""

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
        sealers: SealerReader | None = None,
    ) -> None:
        """With `sealers` what belongs to the user is sealed before it is written."""
        self._publisher, self._policy_reader = publisher, policy_reader
        self.idempotent_responses, self._recent_notifications = idempotent_responses, recent_notifications
        self._clock, self._generate_bits, self.partitions, self._topic_prefix = clock, generate_bits, partitions, topic_prefix
        self._sealers = sealers
        self._policy: Policy | None = None
        self._policy_validator: PolicyValidator | None = None

    async def submit(self, body: bytes, idempotency_key: str | None, principal: Principal) -> SubmissionResult:
        """The response to one notification. Raises ProblemError."""
        body = body.removeprefix(BYTE_ORDER_MARK)
        request = SubmittedRequest(b"submit", body, idempotency_key, principal)
        return await self._run_idempotent(request, self._publish_one)

    async def submit_bulk(self, body: bytes, idempotency_key: str | None, principal: Principal) -> SubmissionResult:
        """The response to a bulk request: 202 if all are accepted, 207 if some are. Raises ProblemError if none is."""
        body = body.removeprefix(BYTE_ORDER_MARK)
        request = SubmittedRequest(b"submit_bulk", body, idempotency_key, principal)
        return await self._run_idempotent(request, self._publish_bulk)

    async def _run_idempotent(
        self, request: SubmittedRequest, publish: Callable[[SubmittedRequest], Awaitable[SubmissionResult]]
    ) -> SubmissionResult:
        """Publish, or return the stored response of the first request with this key."""
        if (key := request.key) is None:
            return await publish(request)
        if not is_valid_key(key):
            raise ProblemError(build_problem("bad-request", BAD_KEY))
        request_hash, key = compute_fingerprint(request.route, request.body), qualify_key(key, request.principal)
        state = await self.idempotent_responses.acquire_key(key, request_hash)
        if isinstance(state, StoredResponse):
            return SubmissionResult(state, {"stored_response": True})
        if isinstance(state, KeyAcquired):
            return await self._publish_and_store(key, request_hash, state.token, lambda: publish(request))
        raise ProblemError(build_key_problem(state))

    async def _publish_and_store(
        self, key: str, request_hash: str, token: str, publish: Callable[[], Awaitable[SubmissionResult]]
    ) -> SubmissionResult:
        try:
            result = await publish()
        except BaseException:
            await self.idempotent_responses.release_key(key, token)
            raise
        if result.response.cacheable:
            await self.idempotent_responses.store_response(key, request_hash, token, result.response)
        else:
            await self.idempotent_responses.release_key(key, token)
        return result

    async def _publish_one(self, request: SubmittedRequest) -> SubmissionResult:
        submission = qualify_submission(request.principal.project, decode_submission(request.body))
        sealer = await self.find_sealer(submission.user_id) if self._sealers is not None else None  # else without a step of the loop
        validated = self._validate(submission, request.key, request.principal, self._clock(), sealer)
        if isinstance(validated, FieldError):
            raise ProblemError(_to_problem(validated))
        (confirmed,) = await self._publisher.publish([validated.record])
        if not confirmed:
            raise ProblemError(_build_unconfirmed_problem([validated.id]))
        await self._recent_notifications.add_many(
            [RecentNotification(qualify(request.principal.project, validated.id), validated.priority)]
        )
        return SubmissionResult(
            StoredResponse(202, encode_json(SubmissionResponse(validated.id, validated.priority))),
            {"notification_id": validated.id, "priority": validated.priority},
        )

    async def _publish_bulk(self, request: SubmittedRequest) -> SubmissionResult:
        now, key, principal = self._clock(), request.key, request.principal
        root, items = decode_bulk(request.body)
        items = [qualify_submission(principal.project, item) if isinstance(item, Submission) else item for item in items]
        sealers: Mapping[str, Sealer] = {}
        if self._sealers is not None:
            sealers = await self._read_sealers(self._sealers, [item.user_id for item in items if isinstance(item, Submission)])
        validated = [
            self._validate_item(item, f"{root}[{index}]", f"{key}#{index}" if key else None, principal, now, sealers)
            for index, item in enumerate(items)
        ]
        valid = [item for item in validated if isinstance(item, ValidatedNotification)]
        if not valid:
            raise ProblemError(build_validation_problem([item for item in validated if isinstance(item, FieldError)]))
        confirmed = await self._publisher.publish([notification.record for notification in valid])
        if not any(confirmed):
            ids = [item.id if isinstance(item, ValidatedNotification) else "" for item in validated]
            raise ProblemError(_build_unconfirmed_problem(ids))
        await self._recent_notifications.add_many(
            [
                RecentNotification(qualify(principal.project, item.id), item.priority)
                for item, is_confirmed in zip(valid, confirmed, strict=True)
                if is_confirmed
            ]
        )
        confirmations = iter(confirmed)
        return _build_bulk_response([_build_bulk_result(index, item, confirmations) for index, item in enumerate(validated)])

    def check(self, body: bytes, principal: Principal, at: float) -> tuple[ValidatedNotification, bool]:
        """The record of a notification that is not submitted, at a time (epoch seconds), and whether the body had its id.

        Raises ProblemError as `submit` does.
        """
        submission = qualify_submission(principal.project, decode_submission(body.removeprefix(BYTE_ORDER_MARK)))
        validated = self._validate(submission, None, principal, at, None)
        if isinstance(validated, FieldError):
            raise ProblemError(_to_problem(validated))
        return validated, bool(submission.id)

    async def find_sealer(self, user_id: str) -> Sealer | None:
        """What seals the notifications of a user; None if they are not sealed. Raises ProblemError if the keys cannot be read."""
        return None if self._sealers is None else (await self._read_sealers(self._sealers, [user_id])).get(user_id)

    async def _read_sealers(self, reader: SealerReader, user_ids: list[str]) -> Mapping[str, Sealer]:
        """The sealers of those of the users who are sealed. Raises ProblemError if they cannot be read."""
        await reader.refresh()
        user_ids = [user_id for user_id in user_ids if reader.seals(user_id)]
        try:
            sealers = await reader.get_many(user_ids) if user_ids else {}
        except UnavailableError as error:
            raise ProblemError(build_problem("unavailable", KEYS_UNAVAILABLE, retry_after=UNCONFIRMED_RETRY_AFTER)) from error
        sealers = {user_id: sealer for user_id, sealer in sealers.items() if sealer.can_seal}
        if any(user_id not in sealers and reader.seals(user_id) for user_id in user_ids):  # the projects may have been read meanwhile
            raise ProblemError(build_problem("unavailable", KEYS_UNAVAILABLE, retry_after=UNCONFIRMED_RETRY_AFTER))
        return sealers

    def _validate_item(
        self, item: Submission | FieldError, path: str, key: str | None, principal: Principal, now: float, sealers: Mapping[str, Sealer]
    ) -> ValidatedNotification | FieldError:
        validated = item if isinstance(item, FieldError) else self._validate(item, key, principal, now, sealers.get(item.user_id))
        return prefix_path(validated, path) if isinstance(validated, FieldError) else validated

    def _validate(
        self, submission: Submission, key: str | None, principal: Principal, now: float, sealer: Sealer | None
    ) -> ValidatedNotification | FieldError:
        policy_validator = self.get_policy_validator()
        if not principal.project and (field := find_reserved_field(submission)):
            return build_field_error(f"$.{field}", RESERVED)
        if principal.project and (field := find_long_field(submission)):
            return build_field_error(f"$.{field}", TOO_LONG)
        if key and submission.idempotency_key not in (None, key):
            return build_field_error("$.idempotency_key", "differs from the header Idempotency-Key: send one of them")
        priority = resolve_priority(submission, policy_validator)
        notification_id = submission.id or make_id(NOTIFICATION_PREFIX, now, self._generate_bits())
        notification = _complete(submission, notification_id, key, now, is_test=principal.is_test or submission.is_test)
        record_key, value = submission.user_id.encode(), encode_json(notification)
        if error := find_field_error(notification, value, policy_validator, now):
            return error
        if sealer is not None:
            value = encode_json(seal_notification(notification, sealer, notification.id or ""))
        if compute_batch_size(record_key, value, ()) > MAX_NOTIFICATION_BYTES:
            detail = f"{len(value)} bytes do not fit into a record of {MAX_NOTIFICATION_BYTES} bytes"
            return build_field_error("$", detail, Reason.TOO_LARGE)
        topic, partition = self._topic_prefix + get_notifications_topic(priority), compute_partition(submission.user_id, self.partitions)
        return ValidatedNotification(notification.id or "", priority, ProducerRecord(topic, partition, record_key, value))

    def get_policy_validator(self) -> PolicyValidator | None:
        """The validator of the current policy; None if none was ever loaded."""
        try:
            policy = self._policy_reader.get_current()
        except UnavailableError:
            return None
        if policy is not self._policy:
            self._policy, self._policy_validator = policy, PolicyValidator(policy, self._policy_validator)
        return self._policy_validator


def _complete(submission: Submission, notification_id: str, key: str | None, now: float, *, is_test: bool) -> Submission:
    """The notification as it is written to Kafka: with id and times in epoch seconds, without the priority, which is the topic's."""
    return msgspec.structs.replace(
        submission,
        id=notification_id,
        created_at=now if submission.created_at is None else to_epoch_seconds(submission.created_at),
        send_at=_to_optional_seconds(submission.send_at),
        expires_at=_to_optional_seconds(submission.expires_at),
        idempotency_key=submission.idempotency_key or key,
        priority=UNSET,
        is_test=is_test,
    )


def _to_optional_seconds(timestamp: Timestamp | None) -> float | None:
    return None if timestamp is None else to_epoch_seconds(timestamp)


def _to_problem(error: FieldError) -> ProblemDetails:
    return build_problem("too-large", error.detail, [error]) if error.reason == Reason.TOO_LARGE else build_validation_problem([error])


def _build_unconfirmed_problem(ids: list[str]) -> ProblemDetails:
    detail = "Kafka did not confirm in time; the notification may be written nevertheless."
    advice = "Retry with the same Idempotency-Key or with these ids, so that a duplicate is recognised."
    return build_problem("unavailable", f"{detail} {advice}", ids=ids, retry_after=UNCONFIRMED_RETRY_AFTER)


def _build_bulk_result(index: int, item: ValidatedNotification | FieldError, confirmations: Iterator[bool]) -> BulkResult:
    if isinstance(item, FieldError):
        return BulkResult(index, "invalid", errors=[item])
    return BulkResult(index, "accepted" if next(confirmations) else "unavailable", item.id, item.priority)


def _build_bulk_response(results: list[BulkResult]) -> SubmissionResult:
    """The response to a bulk request; it is not stored if a notification is unavailable, so that a retry publishes again."""
    counts = {status: sum(result.status == status for result in results) for status in ("accepted", "invalid", "unavailable")}
    status = 202 if counts["accepted"] == len(results) else 207
    return SubmissionResult(
        StoredResponse(status, encode_json(BulkSubmissionResponse(**counts, results=results)), not counts["unavailable"]), counts
    )
