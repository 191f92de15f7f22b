"""Writes what providers report, in the transaction of the recorder's commit: each report once, merged into the delivery that it is about.

A report whose delivery has no row yet waits in the table waiting_reports, and counts in the commit that writes the row. It overtakes the
delivery worker's own event rarely, so a commit asks once whether any waits at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

import msgspec

from schemas.enums import Status
from schemas.events import EngagementEvent, ReceiptEvent, StatusEvent, compute_precedence
from schemas.history import NO_REPORTS, HistoryBatch, LoggedAttempt, ReceivedReport, WrittenReports
from schemas.history_counts import HistoryChanges
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, to_uuid_hex
from tables.postgres import binary_copy
from tables.postgres.column_sealing import ColumnSealing
from tables.postgres.database import Connection, DatabaseRow
from tables.postgres.history_counts import add_engagements, add_merged_deliveries
from tables.postgres.query_loader import load_queries
from tables.postgres.reported_consent import apply_category_stop, apply_consent, apply_inbound
from tables.postgres.staged_copy import merge_rows, split_copy_data

_SQL = load_queries("reports")
_decode = msgspec.json.Decoder(ReceiptEvent | EngagementEvent).decode
_encode = msgspec.json.Encoder().encode


async def write_reports(
    connection: Connection, batch: HistoryBatch, changes: HistoryChanges, sealing: ColumnSealing | None
) -> WrittenReports:
    """Write the reports and inbound messages of a batch whose other rows are written, and the reports that have waited for these.

    `changes` gets what they change of the counts.
    """
    changed_users: list[str] = []
    for message in batch.inbound:
        changed_users += await apply_inbound(connection, message, sealing)
    new = await _insert_new(connection, batch.reports) if batch.reports else []
    for report in new:
        changed_users += await apply_consent(connection, report.event, sealing)
    reports = new + await _take_waiting(connection, batch.deliveries)
    if not reports:
        return NO_REPORTS._replace(repeated=len(batch.reports), changed_users=changed_users)
    waiting, more_users = await merge_reports(connection, reports, changes, sealing)
    repeated = len(batch.reports) - len(new)
    return WrittenReports(len(reports) - waiting, repeated, waiting, list(dict.fromkeys([*changed_users, *more_users])))


async def merge_reports(
    connection: Connection, reports: Sequence[ReceivedReport], changes: HistoryChanges, sealing: ColumnSealing | None
) -> tuple[int, list[str]]:
    """Merge reports that count for the first time; returns how many wait for their delivery, and the users whose consent changed."""
    deliveries = await _fetch_deliveries(connection, reports)
    known = [report for report in reports if report.event.delivery_id in deliveries]
    waiting = [report for report in reports if report.event.delivery_id not in deliveries]
    if waiting:
        await connection.executemany(_SQL["insert_waiting_report"], list(map(_build_waiting_values, waiting)))
    if not known:
        return len(waiting), []
    events = [(report, _build_status_event(report.event, deliveries[report.event.delivery_id])) for report in known]
    await _merge_statuses(connection, events, changes)
    await _set_times(connection, [report.event for report in known], changes)
    changed_users: list[str] = []
    for report in known:
        if isinstance(report.event, ReceiptEvent) and report.event.consent == "category_stop":
            row = deliveries[report.event.delivery_id]
            changed_users += await apply_category_stop(connection, report.event, row["user_id"], row["category"], sealing)
    return len(waiting), changed_users


async def _insert_new(connection: Connection, reports: Sequence[ReceivedReport]) -> list[ReceivedReport]:
    events = [report.event for report in reports]
    rows = await connection.fetch(
        _SQL["insert_provider_events"],
        [to_uuid_hex(event.delivery_id) for event in events],
        [event.provider for event in events],
        [event.event_key for event in events],
        [event.event for event in events],
        [report.received_at for report in reports],
    )
    inserted = {(f"{DELIVERY_PREFIX}{row['id'].hex}", row["provider"], row["event_key"]) for row in rows}
    return [report for report in reports if get_report_key(report) in inserted]


def get_report_key(report: ReceivedReport) -> tuple[str, str, str]:
    """What makes a report one: its delivery, its provider and its key there."""
    return report.event.delivery_id, report.event.provider, report.event.event_key


async def _take_waiting(connection: Connection, deliveries: Sequence[StatusEvent]) -> list[ReceivedReport]:
    if not deliveries or not await connection.fetchval(_SQL["has_waiting_reports"]):
        return []
    rows = await connection.fetch(_SQL["take_waiting_reports"], [to_uuid_hex(event.delivery_id) for event in deliveries])
    return list(map(build_waiting_report, rows))


def build_waiting_report(row: DatabaseRow) -> ReceivedReport:
    """The report in a row of waiting_reports."""
    return ReceivedReport(_decode(row["value"]), row["topic"], row["partition"], row["offset"], row["received_at"])


def _build_waiting_values(report: ReceivedReport) -> tuple[object, ...]:
    event = report.event
    key = to_uuid_hex(event.delivery_id), event.provider, event.event_key
    return *key, _encode(event), report.topic, report.partition, report.offset, report.received_at


async def _fetch_deliveries(connection: Connection, reports: Iterable[ReceivedReport]) -> Mapping[str, DatabaseRow]:
    ids = sorted({to_uuid_hex(report.event.delivery_id) for report in reports})
    rows = await connection.fetch(_SQL["list_reported_deliveries"], ids, ids[0], ids[-1])
    return {f"{DELIVERY_PREFIX}{row['id'].hex}": row for row in rows}


def _build_status_event(event: ReceiptEvent | EngagementEvent, row: DatabaseRow) -> StatusEvent:
    """The report as an event of its delivery; an opening or click shows that it was delivered."""
    status_event = StatusEvent(
        delivery_id=event.delivery_id,
        notification_id=f"{NOTIFICATION_PREFIX}{row['notification_id'].hex}",
        user_id=row["user_id"],
        channel=row["channel"],
        status=Status.DELIVERED,
        occurred_at=event.occurred_at,
        created_at=row["created_at"],
        redrive_count=event.redrive_count,
        attempt=event.attempt,
        provider=event.provider,
        provider_message_id=event.provider_message_id,
        detail=event.event,
    )
    if isinstance(event, EngagementEvent):
        return status_event
    return msgspec.structs.replace(
        status_event, status=event.status, reason=event.reason, provider_code=event.provider_code, detail=event.detail or event.event
    )


async def _merge_statuses(connection: Connection, events: Sequence[tuple[ReceivedReport, StatusEvent]], changes: HistoryChanges) -> None:
    winners: dict[str, StatusEvent] = {}
    for _, event in events:
        winner = winners.get(event.delivery_id)
        if winner is None or compute_precedence(winner) < compute_precedence(event):
            winners[event.delivery_id] = event
    rows = [(event.delivery_id, binary_copy.encode_delivery(event), True) for event in winners.values()]
    add_merged_deliveries(changes, await merge_rows(connection, split_copy_data("deliveries", binary_copy.DELIVERY_COLUMNS, rows)))
    logs = [LoggedAttempt(_derive_log_id(report), event) for report, event in events]
    rows = [(log.id, binary_copy.encode_delivery_log(log), True) for log in logs]
    await merge_rows(connection, split_copy_data("delivery_logs", binary_copy.DELIVERY_LOG_COLUMNS, rows))


def _derive_log_id(report: ReceivedReport) -> str:
    """As of an attempt: the first 24 hex digits of the delivery id, and a checksum of the report's key."""
    delivery_id, provider, event_key = get_report_key(report)
    return f"{delivery_id[4:28]}{crc32(f'{provider}|{event_key}'.encode()):08x}"


async def _set_times(connection: Connection, events: Iterable[ReceiptEvent | EngagementEvent], changes: HistoryChanges) -> None:
    """Keep the first time of each kind, whatever the order in which reports come."""
    times: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for event in events:
        of_delivery = times[to_uuid_hex(event.delivery_id)]
        for kind in _list_kinds(event):
            of_delivery[kind] = min(event.occurred_at, of_delivery.get(kind, event.occurred_at))
    ids = sorted(delivery_id for delivery_id, of_delivery in times.items() if of_delivery)
    if ids:
        columns = [[times[one].get(kind) for one in ids] for kind in ("sent", "delivered", "open", "click")]
        add_engagements(changes, await connection.fetch(_SQL["set_report_times"], ids, *columns, ids[0], ids[-1]))


def _list_kinds(event: ReceiptEvent | EngagementEvent) -> Sequence[str]:
    if isinstance(event, EngagementEvent):
        return ("delivered", "open") if event.event == "open" else ("delivered", "click")
    return {Status.SENT: ("sent",), Status.DELIVERED: ("delivered",)}.get(event.status, ())
