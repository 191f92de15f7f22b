"""The live state of a user: the rows of the workers' tables, decoded, and the rate windows with what is left in them; pure."""

from collections.abc import Iterable, Mapping
from struct import error as StructError

from app.api.user_state_responses import (
    IdempotencyKeyResponse,
    OpenDigestResponse,
    RateWindowResponse,
    ScheduledEntryResponse,
    UserStateResponse,
)
from app.topology import TOPOLOGY
from schemas.ids import NOTIFICATION_PREFIX
from schemas.lifetimes import IDEMPOTENCY_HORIZON
from schemas.policy import Policy, RateLimit
from schemas.user_rows import MAX_ROWS, UserRow, UserRows
from tables import digests, due, idempotency, rate_windows
from tables.rate_windows import build_windows, encode_key_suffix

USER_TABLES = frozenset({"rate_windows", "idempotency", "digests", "due"})
STATE_ROLES = tuple(spec.role for spec in TOPOLOGY if USER_TABLES & spec.table_ttls.keys())
"""The roles whose tables have the state of a user."""

NO_FINGERPRINT = rate_windows.compute_fingerprint("")  # of the next notification, which is in no window yet


def build_user_state(
    user_id: str, rows: Iterable[UserRows], policy: Policy, problems: Mapping[str, str], time_zone: str, now: float
) -> UserStateResponse:
    """The state; `rows` of the roles that answered, `problems` of the others by role, `now` in epoch seconds."""
    answers = list(rows)
    tables = {name: found for answer in answers for name, found in answer.tables.items()}
    return UserStateResponse(
        user_id=user_id,
        read_at=now,
        time_zone=time_zone or "UTC",
        rate_windows=_list_windows(tables["rate_windows"], policy, policy.find_project(user_id), now) if "rate_windows" in tables else [],
        idempotency_keys=_list_idempotency_keys(tables.get("idempotency", ()), now),
        scheduled=_list_entries(tables.get("due", ())),
        digests=_list_digests(tables.get("digests", ())),
        workers={answer.role: answer.worker for answer in answers},
        truncated=sorted(name for name, found in tables.items() if len(found) >= MAX_ROWS),
        unavailable=dict(problems),
    )


def _list_windows(rows: Iterable[UserRow], policy: Policy, project: str, now: float) -> list[RateWindowResponse]:
    """Each limit of the project with what the user has used of it."""
    packed = {row.key: row.row for row in rows}
    limits = [limit for limit in policy.rate_limits if limit.project == project]
    return [_build_window(packed.get(encode_key_suffix(limit.channel, limit.category)[1:]), limit, now) for limit in limits]


def _build_window(row: bytes | None, limit: RateLimit, now: float) -> RateWindowResponse:
    used = rate_windows.count_used(row, limit, now)
    exceeded = rate_windows.find_exceeded_limit(row, build_windows([limit]), now, NO_FINGERPRINT)
    room_at = exceeded.reset_at if exceeded is not None else None
    has_room = exceeded is None
    return RateWindowResponse(
        limit.channel, limit.max_count, limit.window_seconds, used, has_room, room_at or 0.0, limit.category, limit.tier
    )


def _list_entries(rows: Iterable[UserRow]) -> list[ScheduledEntryResponse]:
    """What the scheduler holds, the first that is due first."""
    entries = [(row.key.decode(errors="replace"), due.decode_index_row(row.row)) for row in rows]
    ordered = sorted((entry for entry in entries if not entry[1].is_cancelled), key=lambda entry: entry[1].due_ms)
    return [ScheduledEntryResponse(key, row.due_ms / 1000, row.priority, row.resume_count) for key, row in ordered]


def _list_digests(rows: Iterable[UserRow]) -> list[OpenDigestResponse]:
    """The digests that gather, the first that ends first."""
    found = []
    for row in rows:
        digest = digests.decode_digest_row(row.row)
        if digest is not None and not digest.is_closed:
            times = digest.started_at, digest.ends_at
            digest_id = NOTIFICATION_PREFIX + row.key.hex()
            found.append(OpenDigestResponse(digest_id, digest.type, digest.key, digest.count, *times, digest.priority, digest.cause))
    return sorted(found, key=lambda one: one.ends_at)


def _list_idempotency_keys(rows: Iterable[UserRow], now: float) -> list[IdempotencyKeyResponse]:
    """The keys that are in force, the newest first. A claim is shown only if its row is not written yet.

    What says into which digest a notification went is no key.
    """
    found: dict[str, IdempotencyKeyResponse] = {}
    for row in rows:
        key, _, rest = row.key.decode(errors="replace").partition("\0")
        try:
            decoded = idempotency.decode_unexpired_row(row.row, now)
        except StructError:
            continue  # of a later release
        if decoded is None or rest == "digest" or (rest and key in found):
            continue
        expires_at = decoded.received_at + IDEMPOTENCY_HORIZON
        found[key] = IdempotencyKeyResponse(key, decoded.notification_id, decoded.received_at, expires_at)
    return sorted(found.values(), key=lambda entry: entry.received_at, reverse=True)
