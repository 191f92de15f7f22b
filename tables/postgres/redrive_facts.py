"""Reads what has become of the notifications and deliveries of dead letters since, and what their users have said."""

from collections.abc import Sequence

import msgspec

from schemas.dead_letters import DeadLetterContent
from schemas.enums import Status
from schemas.errors import DECODE_ERRORS
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, to_uuid_hex
from schemas.profile import Profile, build_address_key
from schemas.redrives import RedriveFacts
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.query_loader import load_queries

_SQL = load_queries("redrive_facts")
_NO_PROFILE = Profile("", known=False)


class _Recipient(msgspec.Struct):
    user_id: str
    channel: str
    address: str


_decode_recipient = msgspec.json.Decoder(_Recipient).decode


async def read_facts(database: Database, contents: Sequence[DeadLetterContent]) -> list[RedriveFacts]:
    """What is known of each dead letter, in the same order. Raises UnavailableError."""
    keys = [_list_profile_keys(content) for content in contents]
    profiles = await PostgresProfileReader(database).get_many(key for pair in keys for key in pair)
    statuses = await _read_statuses(database, contents)
    elsewhere = await _read_delivered_elsewhere(database, contents)
    redriven = await _read_notifications(database, contents)
    facts = []
    for content, pair in zip(contents, keys, strict=True):
        stored = content.stored
        found = {key: profiles.get(key, _NO_PROFILE) for key in pair}
        if stored.stage == "delivery":
            status, redrive_count = statuses.get(stored.delivery_id, (None, -1))
            facts.append(RedriveFacts(status, redrive_count, stored.delivery_id in elsewhere, found))
        else:
            facts.append(RedriveFacts(None, redriven.get((stored.notification_id, stored.user_id), -1), profiles=found))
    return facts


def _list_profile_keys(content: DeadLetterContent) -> tuple[str, ...]:
    """The user and the address of a delivery."""
    if content.stored.stage != "delivery":
        return ()
    try:
        recipient = _decode_recipient(content.value or b"")
    except DECODE_ERRORS:
        return ()
    return recipient.user_id, build_address_key(recipient.channel, recipient.address)  # type: ignore[arg-type]  # checked when it is judged


def _select(contents: Sequence[DeadLetterContent], stage: str, field: str) -> list[DeadLetterContent]:
    return [content for content in contents if content.stored.stage == stage and getattr(content.stored, field)]


async def _read_statuses(database: Database, contents: Sequence[DeadLetterContent]) -> dict[str, tuple[Status | None, int]]:
    ids = [to_uuid_hex(content.stored.delivery_id) for content in _select(contents, "delivery", "delivery_id")]
    rows = await database.fetch(_SQL["list_statuses"], ids, min(ids), max(ids)) if ids else []
    return {f"{DELIVERY_PREFIX}{row['id'].hex}": (Status(row["status"]), row["redrive_count"]) for row in rows}


async def _read_notifications(database: Database, contents: Sequence[DeadLetterContent]) -> dict[tuple[str, str], int]:
    """How often each notification was redriven."""
    selected = _select(contents, "router", "notification_id")
    ids, users = [to_uuid_hex(one.stored.notification_id) for one in selected], [one.stored.user_id for one in selected]
    rows = await database.fetch(_SQL["list_notifications"], ids, users) if ids else []
    return {(f"{NOTIFICATION_PREFIX}{row['id'].hex}", row["user_id"]): row["redrive_count"] for row in rows}


async def _read_delivered_elsewhere(database: Database, contents: Sequence[DeadLetterContent]) -> set[str]:
    """The deliveries whose notification was sent in another delivery since."""
    selected = [content.stored for content in _select(contents, "delivery", "delivery_id") if content.stored.notification_id]
    if not selected:
        return set()
    values = (
        [to_uuid_hex(stored.delivery_id) for stored in selected],
        [to_uuid_hex(stored.notification_id) for stored in selected],
        [stored.user_id for stored in selected],
        [stored.created_at for stored in selected],
    )
    return {f"{DELIVERY_PREFIX}{row['id'].hex}" for row in await database.fetch(_SQL["list_delivered_elsewhere"], *values)}
