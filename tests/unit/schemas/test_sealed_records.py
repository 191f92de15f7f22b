"""Notifications and deliveries are sealed without their private fields, and put together again."""

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from schemas.attachments import Attachment
from schemas.delivery import Delivery
from schemas.errors import SealError
from schemas.notification import Notification, SealedNotification, Submission
from schemas.push_options import NotificationPushOptions
from schemas.sealed_records import (
    PRIVATE_FIELDS,
    close_delivery,
    is_sealed_record,
    open_delivery,
    open_fields,
    open_notification,
    seal_delivery,
    seal_fields,
    seal_notification,
    seal_record,
)
from tests.delivery_builders import build_delivery
from tests.sealers import build_sealer

NOTIFICATION = Notification(
    user_id="u-42",
    type="order.shipped",
    id="ntf_1",
    data={"code": "canary"},
    to={"email": "canary@example.org"},
    attachments=[Attachment("a.txt", "text/plain", "Y2FuYXJ5")],
    push=NotificationPushOptions("canary"),
)
_encode = msgspec.json.encode


def test_a_notification_has_its_private_fields_only_sealed() -> None:
    sealer = build_sealer()
    sealed = seal_notification(NOTIFICATION, sealer, "ntf_1")
    value = _encode(sealed)
    assert b"canary" not in value
    assert b"Y2FuYXJ5" not in value
    assert msgspec.json.decode(value).keys() == {"user_id", "type", "id", "sealed"}
    decoded = msgspec.json.decode(value, type=SealedNotification)
    opened = open_notification(decoded, "ntf_1", sealer)
    assert _encode(opened) == _encode(NOTIFICATION)


def test_without_encryption_nothing_of_a_record_changes() -> None:
    assert _encode(msgspec.convert(msgspec.to_builtins(NOTIFICATION), SealedNotification)) == _encode(NOTIFICATION)
    assert b"sealed" not in _encode(build_delivery())


def test_a_client_cannot_submit_sealed_bytes() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `sealed`"):
        msgspec.json.decode(b'{"user_id":"u","type":"t","sealed":"AQ=="}', type=Submission)


def test_the_fields_of_a_record_are_sealed_once() -> None:
    sealer = build_sealer()
    fields: dict[str, Raw] = msgspec.json.decode(_encode({"user_id": "u-42", "data": {"a": 1}, "extra": 2}), type=dict[str, Raw])
    seal_fields(fields, "ntf_1", sealer)
    assert fields.keys() == {"user_id", "extra", "sealed"}
    before = bytes(fields["sealed"])
    seal_fields(fields, "ntf_1", sealer)
    assert bytes(fields["sealed"]) == before
    opened = open_fields(_encode(fields), "notification", "ntf_1", sealer)
    assert msgspec.json.decode(opened) == {"user_id": "u-42", "extra": 2, "data": {"a": 1}}
    assert open_fields(opened, "notification", "ntf_1", sealer) == opened


def test_a_delivery_opens_and_closes_without_a_key() -> None:
    plain, sealer = build_delivery(), build_sealer("u-1")
    sealed = seal_delivery(plain.address, Raw(_encode(plain.content)), plain.id, sealer)
    closed = close_delivery(replace(plain, sealed=sealed))
    value = _encode(closed)
    assert plain.address.encode() not in value
    assert b"on its way" not in value
    opened = open_delivery(msgspec.json.decode(value, type=Delivery), sealer)
    assert replace(opened, sealed=b"") == plain
    assert _encode(close_delivery(opened)) == value
    assert close_delivery(plain) is plain


def test_what_was_sealed_of_another_release_is_no_crash() -> None:
    sealer = build_sealer()
    sealed = SealedNotification("u-42", "t", sealed=sealer.seal("notification", "ntf_1", b'{"to":7}'))
    with pytest.raises(SealError, match="does not fit"):
        open_notification(sealed, "ntf_1", sealer)


def test_a_record_that_is_no_notification_is_sealed_as_a_whole() -> None:
    sealer = build_sealer()
    sealed = seal_record(b'{"user_id": canary', "ntf_1", sealer)
    assert is_sealed_record(sealed)
    assert not is_sealed_record(b"{}")
    assert sealer.open("record", "ntf_1", sealed) == b'{"user_id": canary'


def test_every_field_that_is_not_sealed_stays() -> None:
    sealer = build_sealer()
    values = {field: f"of {field}" for field in Notification.__struct_fields__}
    sealed = seal_notification(Notification(**{**values, "data": {}, "to": {}, "attachments": []}), sealer, "of id")  # type: ignore[arg-type]
    kept = {field: getattr(sealed, field) for field in Notification.__struct_fields__ if field not in PRIVATE_FIELDS}
    assert kept == {field: value for field, value in values.items() if field not in PRIVATE_FIELDS}
