"""Devices are removed by the recorder when their provider rejects their tokens, once, with an entry in the audit log."""

import os
import time

import pytest

from agents.recorder.device_removals import DeviceRemovingWriter
from app.api.services.random_id_bits import RandomIdBits
from app.ordered_ids import OrderedIds
from schemas.enums import Outcome, Reason, Status
from schemas.events import StatusEvent
from schemas.ids import derive_delivery_id, make_id
from schemas.users import ChangeOrigin, DeviceChange, UserChange, fill_change
from tables.postgres.audit_log import list_audit_entries
from tables.postgres.database import Database
from tables.postgres.device_rejections import PostgresRejectedDeviceStore
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.users import UserStore
from tests.event_builders import build_history_batch

pytestmark = pytest.mark.usefixtures("sealing_mode")

NOW = 2_000_000_000.0  # after every registration of a test
ORIGIN = ChangeOrigin("api", "test")
MAKE_ID = OrderedIds(time.time, RandomIdBits(os.urandom))


@pytest.fixture
async def users(database_copy: Database) -> UserStore:
    """One user with two devices and an installation."""
    store = UserStore(database_copy, MAKE_ID)
    await store.create("u-1", fill_change(UserChange()), ORIGIN)
    for token, kind in (("token-1", "fcm"), ("token-2", "fcm"), ("f-1", "fid")):
        await store.set_device("u-1", token, DeviceChange(kind=kind, platform="android"), ORIGIN)
    return store


def build_event(reason: str, address: str, number: int = 1, at: float = NOW) -> StatusEvent:
    notification_id = make_id("ntf_", NOW, number)
    delivery_id = derive_delivery_id(notification_id, "u-1", "push", address)
    outcome = Outcome.REJECTED_RECIPIENT
    return StatusEvent(delivery_id, notification_id, "u-1", "push", Status.FAILED, at, NOW, outcome=outcome, reason=reason)


def build_writer(database: Database) -> DeviceRemovingWriter:
    return DeviceRemovingWriter(PostgresHistoryWriter(database), PostgresRejectedDeviceStore(database, MAKE_ID))


async def list_tokens(users: UserStore) -> list[str]:
    return sorted(device.token for device in await users.list_devices("u-1", 10))


async def test_dead_tokens_are_removed_once_and_logged(database_copy: Database, users: UserStore) -> None:
    writer, reader = build_writer(database_copy), PostgresProfileReader(database_copy)
    version = (await reader.get_many(["u-1"]))["u-1"].version
    batch = build_history_batch(build_event(Reason.UNREGISTERED_TOKEN, "token-1"), build_event(Reason.SENDER_ID_MISMATCH, "fid:f-1", 2))
    assert (await writer.write(batch)).changed_users == ["u-1", "u-1"]
    assert not (await writer.write(batch)).changed_users, "written again after a crash before the acknowledgement"
    profile = (await reader.get_many(["u-1"]))["u-1"]
    assert profile.addresses == {"push": ["token-2"]}
    assert profile.version > version
    entries = [one for one in await list_audit_entries(database_copy, "user", "u-1", 20) if one.action == "delete_device"]
    assert sorted((one.details["reason"], one.details["kind"]) for one in entries) == [
        (Reason.SENDER_ID_MISMATCH, "fid"),
        (Reason.UNREGISTERED_TOKEN, "fcm"),
    ]
    assert all("token-1" not in str(one.details) and one.actor == "recorder" for one in entries)


async def test_a_token_in_doubt_stays_until_the_second_delivery(database_copy: Database, users: UserStore) -> None:
    writer = build_writer(database_copy)
    for _ in range(2):  # read twice
        await writer.write(build_history_batch(build_event(Reason.INVALID_TOKEN, "token-1")))
    assert await list_tokens(users) == ["f-1", "token-1", "token-2"]
    await writer.write(build_history_batch(build_event(Reason.INVALID_TOKEN, "token-1", 2)))
    assert await list_tokens(users) == ["f-1", "token-2"]


async def test_a_registration_clears_the_doubt_and_outlives_older_events(database_copy: Database, users: UserStore) -> None:
    writer = build_writer(database_copy)
    await writer.write(build_history_batch(build_event(Reason.INVALID_TOKEN, "token-1")))
    await users.set_device("u-1", "token-1", DeviceChange(), ORIGIN)
    await writer.write(build_history_batch(build_event(Reason.INVALID_TOKEN, "token-1", 2)))
    await writer.write(build_history_batch(build_event(Reason.UNREGISTERED_TOKEN, "token-2", 3, at=1.0)))
    assert await list_tokens(users) == ["f-1", "token-1", "token-2"]
