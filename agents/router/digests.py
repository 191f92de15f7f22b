"""Which digest a notification joins, and what of it changes; decisions on the rows of the table digests."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from agents.router.staged_digests import StagedDigests
from schemas.enums import Priority
from schemas.errors import SealError
from schemas.ids import NOTIFICATION_PREFIX, derive_id
from schemas.notification import Notification
from schemas.policy import MAX_DIGEST_COUNT, Rule
from schemas.sealing import Sealer
from tables import digests
from tables.digests import DigestEvent, DigestRow

MAX_DIGEST_BYTES = 48 * 1024  # of the data of all: a webhook has them whole in a content of 64 KiB
EXPIRY_MARGIN = 60.0  # seconds: a digest is sent so long before the first notification in it expires
MAX_LISTED = 2 * MAX_DIGEST_COUNT  # rows: a crash may leave a few more than were counted

FULL = ("count", "size")
"""The causes for which nothing joins a digest any more."""

_encode = msgspec.json.Encoder().encode
_decode_data = msgspec.json.Decoder(dict[str, Any]).decode


class Join(Struct, frozen=True):
    """A notification that is in a digest: the digest's id and row, and the notification's event row.

    `is_scheduled`: the digest's record for the scheduler is acknowledged. `moves`: the digests that the scheduler has to move to another
    time, by id. `incomplete`: digests of which a crash has left the window row only.
    """

    digest_id: str
    row: DigestRow
    event: DigestEvent
    is_scheduled: bool
    moves: dict[str, DigestRow]
    incomplete: Sequence[str] = ()


class Gathered(Struct, frozen=True):
    """A digest that comes back: its row, its events in their order, and those of them that have expired."""

    row: DigestRow
    events: Sequence[DigestEvent]
    expired: Sequence[DigestEvent]


def compute_fingerprint(notification: Notification, rule: Rule, key: str, priority: Priority) -> bytes:
    """The window: what is gathered together has one type and key, one way to the same addresses, and the priority of one topic."""
    one, addresses = notification, sorted(notification.to.items())
    ways: tuple[object, ...] = one.category or rule.category, one.channels, one.template, one.locale, addresses, one.mandatory
    if one.is_test:  # a test is in no message that others are in
        ways = (*ways, "test")
    return blake2b(_encode((one.type, key, priority, *ways)), digest_size=digests.ID_BYTES).digest()


def build_digest_data(first: dict[str, Any], all_data: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a template of a digest sees: the first one's data, and all of them."""
    return {**first, "digest": {"count": len(all_data), "events": list(all_data)}}


def is_gathered_in(rows: StagedDigests, user_key: bytes, digest_id: str, notification_id: str) -> bool:
    """Whether the claim in another table, that the digest was decided with this notification, is true.

    As long as the digest has its row, its outputs may be missing, and of the claims of its batch the event row, too.
    """
    packed, event = rows.get(digests.encode_digest_key(user_key, digest_id), digests.encode_event_key(user_key, digest_id, notification_id))
    return packed is None or event is not None


def find_join(rows: StagedDigests, user_key: bytes, notification_id: str) -> Join | None:
    """The digest that already has this notification: it was decided before, and its row is not there to prove it."""
    (member,) = rows.get(digests.encode_member_key(user_key, notification_id))
    if member is None:
        return None
    digest_id = digests.decode_member_row(member)
    (packed,) = rows.get(digests.encode_event_key(user_key, digest_id, notification_id))
    row, is_scheduled = _get_row(rows, user_key, digest_id)
    if packed is None or row is None:
        return None
    event = digests.decode_event_row(packed)
    counted = replace(row, count=max(row.count, event.number))
    moves = {digest_id: row} if row.cause != "window" and not row.is_closed else {}
    return Join(digest_id, counted, event, is_scheduled, moves)


def join_digest(
    rows: StagedDigests, user_key: bytes, new_row: DigestRow, event: DigestEvent, size: int, max_count: int, now: float
) -> Join:
    """The digest that the notification joins: the open one of its window, or one that it opens, whose row is `new_row`.

    `size` is that of the notification's data in bytes. Times are in epoch seconds.
    """
    moves: dict[str, DigestRow] = {}
    incomplete: list[str] = []
    for digest_id in reversed(_list_open_ids(rows, user_key, bytes.fromhex(new_row.fingerprint))):
        row, is_scheduled = _get_row(rows, user_key, digest_id)
        if row is None:
            incomplete.append(digest_id)
            continue
        if row.is_closed or row.cause in FULL:
            continue
        if row.count >= max_count or row.size + size > MAX_DIGEST_BYTES:
            full = _fill(row, "count" if row.count >= max_count else "size", now)
            moves = {digest_id: full} if full.ends_at != row.ends_at else {}
            break
        joined = _end_earlier(replace(row, count=row.count + 1, size=row.size + size), event, max_count, now)
        moves = {digest_id: joined} if joined.ends_at != row.ends_at else {}
        return Join(digest_id, joined, replace(event, number=joined.count), is_scheduled, moves, incomplete)
    started = _end_earlier(replace(new_row, count=1, size=2 * size), event, max_count, now)  # the first one's data is there twice
    digest_id = derive_id(NOTIFICATION_PREFIX, new_row.started_at, event.id, "digest")
    return Join(digest_id, started, replace(event, number=1), False, moves, [one for one in incomplete if one != digest_id])


def stage_join(rows: StagedDigests, user_key: bytes, join: Join) -> None:
    """Stage the rows of a notification that is in a digest."""
    fingerprint, started_at = bytes.fromhex(join.row.fingerprint), join.row.started_at
    if not join.is_scheduled:  # the window row first: a crash may leave any number of these rows, in their order
        present = digests.encode_present_row(started_at)
        rows.stage_claim(digests.encode_window_key(user_key, fingerprint, join.digest_id), present)
        rows.stage_row(digests.encode_scheduled_key(user_key, join.digest_id), present)
    for digest_id, changed in {**join.moves, join.digest_id: join.row}.items():
        rows.stage_claim(digests.encode_digest_key(user_key, digest_id), digests.encode_digest_row(changed))
    rows.stage_claim(digests.encode_member_key(user_key, join.event.id), digests.encode_member_row(join.digest_id, started_at))
    rows.stage_claim(digests.encode_event_key(user_key, join.digest_id, join.event.id), digests.encode_event_row(join.event))
    for digest_id in join.incomplete:
        rows.stage_row(digests.encode_window_key(user_key, fingerprint, digest_id), None)


def gather(rows: StagedDigests, user_key: bytes, digest_id: str, now: float) -> Gathered | None:
    """The digest that comes back, with what is in it; None if there is no such one any more."""
    row, _ = _get_row(rows, user_key, digest_id)
    if row is None:
        return None
    listed = rows.list(digests.encode_event_prefix(user_key, digest_id), MAX_LISTED)
    events = sorted((digests.decode_event_row(packed) for _, packed in listed), key=lambda event: (event.created_at, event.number))
    expired = [event for event in events if event.expires_at and event.expires_at <= now]
    return Gathered(row, [event for event in events if event not in expired], expired)


def seal_event(event: DigestEvent, sealer: Sealer) -> DigestEvent:
    """The notification with its data sealed."""
    return replace(event, data={}, sealed=sealer.seal("digest", event.id, _encode(event.data)))


def open_gathered(gathered: Gathered, sealer: Sealer | None) -> Gathered:
    """The digest with the data of its notifications. Raises ErasedError or SealError if they cannot be opened."""
    if not any(event.sealed for event in (*gathered.events, *gathered.expired)):
        return gathered
    if sealer is None:
        raise SealError("what is in the digest is sealed, and the settings of encryption have no keys")
    events, expired = ([_open_event(event, sealer) for event in events] for events in (gathered.events, gathered.expired))
    return Gathered(gathered.row, events, expired)


def _open_event(event: DigestEvent, sealer: Sealer) -> DigestEvent:
    return replace(event, data=_decode_data(sealer.open("digest", event.id, event.sealed)), sealed=b"") if event.sealed else event


def close_digest(rows: StagedDigests, user_key: bytes, digest_id: str, *, keep_events: bool = False) -> None:
    """Stage that nothing joins the digest any more, and that its rows are removed once its outputs are produced."""
    row, _ = _get_row(rows, user_key, digest_id)
    if row is None:
        return
    digest_key = digests.encode_digest_key(user_key, digest_id)
    rows.stage_claim(digest_key, digests.encode_digest_row(replace(row, is_closed=True)))
    if keep_events:
        return
    listed = rows.list(digests.encode_event_prefix(user_key, digest_id), MAX_LISTED)
    window_key = digests.encode_window_key(user_key, bytes.fromhex(row.fingerprint), digest_id)
    # the digest row first: without it a replay knows that all is done, whatever a crash leaves of the others
    for key in (digest_key, window_key, digests.encode_scheduled_key(user_key, digest_id), *(key for key, _ in listed)):
        rows.stage_row(key, None)
    for key, _ in listed:
        rows.stage_row(digests.convert_to_member_key(key, user_key), None)


def _end_earlier(row: DigestRow, event: DigestEvent, max_count: int, now: float) -> DigestRow:
    """The row with an earlier end if it is full, or if this notification would expire before the end; else the same row."""
    if row.count >= max_count:
        return _fill(row, "count", now)
    if event.expires_at and event.expires_at - EXPIRY_MARGIN < row.ends_at and now < row.ends_at:
        return replace(row, ends_at=max(now, event.expires_at - EXPIRY_MARGIN), cause="expiry")
    return row


def _fill(row: DigestRow, cause: str, now: float) -> DigestRow:
    """The row of a digest that nothing joins any more, and that is sent now; one that is due waits for something else."""
    return replace(row, ends_at=min(row.ends_at, now), cause=cause)


def _list_open_ids(rows: StagedDigests, user_key: bytes, fingerprint: bytes) -> list[str]:
    """The digests of a window that are not decided yet, the first opened first."""
    listed = rows.list(digests.encode_window_prefix(user_key, fingerprint), MAX_LISTED)
    return [digests.decode_window_key(key) for key, _ in listed]


def _get_row(rows: StagedDigests, user_key: bytes, digest_id: str) -> tuple[DigestRow | None, bool]:
    """The row of a digest, and whether its record for the scheduler is acknowledged."""
    packed, scheduled = rows.get(digests.encode_digest_key(user_key, digest_id), digests.encode_scheduled_key(user_key, digest_id))
    return digests.decode_digest_row(packed), scheduled is not None
