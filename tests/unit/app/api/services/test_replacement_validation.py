"""What replaces a dead notification: it has its id, is a test if that was one, and is sealed for its user."""

import os
from typing import Any

import msgspec
import pytest

from app.api.problems import ProblemError
from app.api.services.replacement_validation import build_replacement, encode_replacement
from schemas.notification import Notification, SealedNotification, Submission
from schemas.redrives import RedriveFacts, RedriveOptions, RedriveRecord
from schemas.sealed_records import open_notification, seal_record
from schemas.sealing import KEY_BYTES
from tests.dead_letter_builders import build_rejected_notification
from tests.delivery_builders import NOW, build_delivery
from tests.sealers import build_sealer
from tests.unit.agents.redrives.test_judge import PREFIX, build_content, judge

NOTIFICATION_ID = build_delivery().notification_id
BODY = {"user_id": "u-42", "type": "order.shipped", "to": {"email": "canary@example.org"}, "data": {"code": "canary"}, "priority": "low"}
SEALED = seal_record(b'{"user_id":7,"is_test":true}', NOTIFICATION_ID, build_sealer())


def build(value: bytes, **fields: Any) -> Submission:
    content = build_content(build_rejected_notification(value, notification_id=NOTIFICATION_ID), **fields)
    return build_replacement(msgspec.json.encode(BODY), content, None, NOW)


def test_without_a_sealer_it_is_what_was_submitted_with_the_id() -> None:
    replacement = encode_replacement(build(b"\xff"), None)
    notification = msgspec.json.decode(replacement.value, type=Notification)
    assert (notification.id, notification.user_id, notification.data, replacement.priority) == (
        NOTIFICATION_ID,
        "u-42",
        BODY["data"],
        "low",
    )
    assert b"priority" not in replacement.value


def test_it_is_sealed_for_its_user_also_for_one_who_was_erased_and_came_back() -> None:
    for sealer in (build_sealer(), build_sealer("u-42", None, os.urandom(KEY_BYTES))):
        replacement = encode_replacement(build(b"{}"), sealer)
        assert b"canary" not in replacement.value
        sealed = msgspec.json.decode(replacement.value, type=SealedNotification)
        assert open_notification(sealed, NOTIFICATION_ID, sealer).to == BODY["to"]


def test_a_sealed_one_of_a_test_stays_a_test_when_it_is_redriven() -> None:
    original = b'{"user_id":7,"is_test":true}'
    sealer = build_sealer()
    replacement = encode_replacement(build(original), sealer)
    content = build_content(build_rejected_notification(SEALED, notification_id=NOTIFICATION_ID))
    record = judge(content, RedriveFacts(), RedriveOptions(replacement=replacement), NOW, PREFIX)
    assert isinstance(record, RedriveRecord)
    sealed = msgspec.json.decode(record.value, type=SealedNotification)
    assert (record.user_key, sealed.is_test) == (b"u-42", True)
    assert open_notification(sealed, NOTIFICATION_ID, sealer).data == BODY["data"]


@pytest.mark.parametrize(
    ("value", "fields", "why"),
    [(SEALED, {}, "cannot be opened"), (b'{"user_id":"u-1","data":{"x":"', {"is_truncated": True}, "are cut")],
    ids=["sealed", "truncated"],
)
def test_what_may_have_been_a_test_is_not_made_live(value: bytes, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ProblemError) as raised:
        build(value, **fields)
    assert raised.value.problem.status == 409
    assert why in str(raised.value.problem.detail)


def test_one_that_is_too_large_is_refused_also_if_it_only_is_so_sealed() -> None:
    large = msgspec.structs.replace(build(b"{}"), data={"x": "y" * 200_000})
    assert encode_replacement(large, None).value
    with pytest.raises(ProblemError, match="too large"):
        encode_replacement(large, build_sealer())
