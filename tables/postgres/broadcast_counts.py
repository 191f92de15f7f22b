"""Gives the pages of the history of broadcasts to the workers that count them: each page to one, for as long as its lease lasts."""

from collections.abc import Sequence

import msgspec

from schemas.broadcast_counts import (
    BroadcastCount,
    BroadcastFindings,
    CountPage,
    DecidedNotification,
    DeliveryResult,
    HeldDigest,
    compute_time_range,
)
from schemas.broadcasts import BROADCAST_PREFIX
from schemas.events import GateResult
from schemas.history import find_next_step
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, to_uuid_hex
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.query_loader import load_queries
from tables.postgres.user_rows import encode_json

_SQL = load_queries("broadcast_counts")
_decode_findings = msgspec.json.Decoder(BroadcastFindings).decode
_decode_deliveries = msgspec.json.Decoder(list[tuple[str, str]]).decode
_decode_log = msgspec.json.Decoder(list[GateResult]).decode


class PostgresBroadcastHistory:
    """Implements schemas.store_ports.BroadcastHistory; `lease` is in seconds. The times are those of PostgreSQL's clock."""

    def __init__(self, database: Database, lease: float) -> None:
        self._database, self._lease = database, lease

    async def claim(self, holder: str) -> BroadcastCount | None:
        """A broadcast whose count is due and that no other worker has in hand; None if there is none."""
        rows = await self._database.fetch(_SQL["claim_count"], holder, self._lease)
        return _build_count(rows[0]) if rows else None

    async def get_wait(self) -> float | None:
        """Seconds until the count of any broadcast is due; None if none ever is."""
        (row,) = await self._database.fetch(_SQL["get_wait"])
        return None if row["seconds"] is None else float(row["seconds"])

    async def read_page(self, count: BroadcastCount, limit: int) -> CountPage:
        """At most `limit` notifications after the cursor, all of one time of the broadcast."""
        position, user_id = count.cursor[:32], count.cursor[33:]
        ranges = [compute_time_range(count.id, at) for at in count.identified_ats]
        ahead = [(low, high) for low, high in ranges if high > position]
        if not ahead:
            return CountPage([], count.cursor, True)
        low, high = ahead[0]
        start = (position, user_id) if position > low else (low, "")
        rows = await self._database.fetch(_SQL["list_page"], *start, high, count.state == "cancelled", limit)
        found = [_build_notification(row) for row in rows]
        if len(rows) == limit:
            return CountPage(found, f"{rows[-1]['id'].hex}:{rows[-1]['user_id']}", False)
        return CountPage(found, f"{high}:", len(ahead) == 1)

    async def find_results(self, delivery_ids: Sequence[str]) -> dict[str, DeliveryResult]:
        """The deliveries that have a status."""
        if not delivery_ids:
            return {}
        ids = sorted(map(to_uuid_hex, delivery_ids))
        rows = await self._database.fetch(_SQL["list_results"], ids, ids[0], ids[-1])
        return {f"{DELIVERY_PREFIX}{row['id'].hex}": DeliveryResult(row["status"], row["reason"]) for row in rows}

    async def find_held_digests(self, digests: Sequence[tuple[str, str]]) -> list[HeldDigest]:
        """Of these digests, by id and user, those that are held, with what is in them."""
        ids = [to_uuid_hex(digest_id) for digest_id, _ in digests]
        rows = await self._database.fetch(_SQL["list_digests"], ids, [user_id for _, user_id in digests], min(ids), max(ids))
        return [HeldDigest(_name(row["id"].hex), row["user_id"], [_name(one.hex) for one in row["member_ids"]]) for row in rows]

    async def store_page(self, count: BroadcastCount, page: CountPage, findings: BroadcastFindings, pause: float | None) -> bool:
        """Store what was found, and give the broadcast back; False if it was stored or cancelled meanwhile.

        A count with fewer notifications than the one before is not taken: the history has lost days. That of a cancel is.
        """
        values = to_uuid_hex(count.id), count.number, count.cursor
        if not page.is_last:
            return bool(await self._database.fetch(_SQL["store_page"], *values, page.cursor, encode_json(findings)))
        keeps_last = findings.decided < count.last_decided and not findings.cancels
        return bool(await self._database.fetch(_SQL["end_count"], *values, encode_json(findings), pause, keeps_last))

    async def postpone(self, count: BroadcastCount, seconds: float) -> None:
        """Give the broadcast back, whose page is due again in so many seconds; nothing if it was cancelled meanwhile."""
        await self._database.fetch(_SQL["postpone_count"], to_uuid_hex(count.id), count.number, count.cursor, seconds)


def decode_findings(value: str | None) -> BroadcastFindings | None:
    """A findings as it is stored."""
    return None if value is None else _decode_findings(value)


def _build_count(row: DatabaseRow) -> BroadcastCount:
    last = decode_findings(row["counts"])
    return BroadcastCount(
        id=f"{BROADCAST_PREFIX}{row['id'].hex}",
        state=row["state"],
        identified_ats=tuple(at.timestamp() for at in row["identified_ats"]),
        expanded_count=row["expanded_count"],
        number=row["count_number"],
        cursor=row["count_cursor"],
        findings=decode_findings(row["count_findings"]) or BroadcastFindings(),
        last_decided=last.decided if last else 0,
        age=None if row["state"] in ("pending", "running", "paused") else row["age"],
        has_page=row["has_page"],
    )


def _build_notification(row: DatabaseRow) -> DecidedNotification:
    return DecidedNotification(
        _name(row["id"].hex),
        row["user_id"],
        row["state"],
        row["reason"],
        [delivery_id for delivery_id, _ in _decode_deliveries(row["deliveries"])],
        find_next_step(_decode_log(row["steps"])) if row["steps"] else None,
        _name(row["merged_into"].hex) if row["merged_into"] else "",
    )


def _name(uuid_hex: str) -> str:
    return f"{NOTIFICATION_PREFIX}{uuid_hex}"
