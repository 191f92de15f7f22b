"""Two fields of a notification are required, unknown fields are ignored, and an error contains the path of the field."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.channels import CHANNEL_NAMES
from schemas.notification import Notification, Submission

keys = st.text(min_size=1, max_size=256)
names = st.text(min_size=1, max_size=128)
addresses = st.text(min_size=1, max_size=60)
data = st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8), max_size=4)
notifications = st.builds(
    Notification,
    user_id=keys,
    type=names,
    id=st.none() | st.text(),
    category=st.none() | names,
    channels=st.none() | st.lists(st.sampled_from(CHANNEL_NAMES), min_size=1, max_size=4),
    template=st.none() | names,
    data=data,
    locale=st.none() | st.text(max_size=35),
    to=st.dictionaries(st.sampled_from(CHANNEL_NAMES), addresses | st.lists(addresses, min_size=1, max_size=20), max_size=4),
    send_at=st.none() | st.floats(0, 1e10),
    expires_at=st.none() | st.floats(0, 1e10),
    idempotency_key=st.none() | keys,
    mandatory=st.booleans(),
    created_at=st.none() | st.floats(0, 1e10),
)


@given(notifications)
def test_a_notification_survives_json(notification: Notification) -> None:
    assert msgspec.json.decode(msgspec.json.encode(notification), type=Notification) == notification


@given(notifications)
def test_every_notification_is_a_valid_submission(notification: Notification) -> None:
    submission = msgspec.json.decode(msgspec.json.encode(notification), type=Submission)
    assert submission.priority is msgspec.UNSET
    assert {name: getattr(submission, name) for name in notification.__struct_fields__} == msgspec.structs.asdict(notification)


def test_only_user_id_and_type_are_required() -> None:
    notification = msgspec.json.decode(b'{"user_id":"u-42","type":"order.shipped"}', type=Notification)
    assert notification == Notification("u-42", "order.shipped")
    assert (notification.schema_version, notification.mandatory, notification.data, notification.to) == (1, False, {}, {})


def test_unknown_fields_are_ignored() -> None:
    assert msgspec.json.decode(b'{"user_id":"u","type":"t","colour":"red"}', type=Notification) == Notification("u", "t")


def test_to_accepts_one_address_or_several() -> None:
    notification = msgspec.json.decode(b'{"user_id":"u","type":"t","to":{"email":"a@x","push":["t1","t2"]}}', type=Notification)
    assert notification.to == {"email": "a@x", "push": ["t1", "t2"]}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ('"type":"t"', "user_id"),
        ('"user_id":"u"', "type"),
        ('"user_id":"","type":"t"', r"\$\.user_id"),
        ('"user_id":"u","type":7', r"\$\.type"),
        (f'"user_id":"{"u" * 257}","type":"t"', r"\$\.user_id"),
        ('"user_id":"u","type":"t","channels":[]', r"\$\.channels"),
        ('"user_id":"u","type":"t","channels":["email","fax"]', r"\$\.channels\[1\]"),
        ('"user_id":"u","type":"t","data":[]', r"\$\.data"),
        ('"user_id":"u","type":"t","to":{"pager":"1"}', r"key.*\$\.to"),
        ('"user_id":"u","type":"t","to":{"email":""}', r"\$\.to\[\.\.\.\]"),
        ('"user_id":"u","type":"t","to":{"push":[]}', r"\$\.to\[\.\.\.\]"),
        ('"user_id":"u","type":"t","expires_at":"soon"', r"\$\.expires_at"),
        ('"user_id":"u","type":"t","expires_at":"2026-01-31T09:00:00"', r"\$\.expires_at"),
        ('"user_id":"u","type":"t","idempotency_key":""', r"\$\.idempotency_key"),
        ('"user_id":"u","type":"t","mandatory":"yes"', r"\$\.mandatory"),
        ('"user_id":"u","type":"t","schema_version":0', r"\$\.schema_version"),
        ('"user_id":"u","type":"t","priority":"urgent"', r"\$\.priority"),
    ],
)
def test_an_invalid_field_is_named_by_its_path(fields: str, path: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=path):
        msgspec.json.decode(f"{{{fields}}}".encode(), type=Submission)
