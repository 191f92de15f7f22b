"""What reports and inbound messages say of a recipient's consent, as suppressions, preferences and events of consent.

Their ids are derived from the report, which is written once, so that no randomness is needed.
"""

from functools import partial

from schemas.errors import MissingUserError, UnavailableError
from schemas.events import EngagementEvent, InboundEvent, ReceiptEvent
from schemas.ids import derive_id
from schemas.users import ChangeOrigin, PreferenceChange, SuppressionReason, SuppressionRequest
from tables.postgres.column_sealing import NO_KEYS, ColumnSealing, open_address
from tables.postgres.database import Connection
from tables.postgres.preferences import MakeId, set_choices
from tables.postgres.query_loader import load_queries
from tables.postgres.suppressions import insert_suppression, undo_stop_suppressions
from tables.postgres.user_lock import lock_user

_SQL = load_queries("reports")
_REASONS: dict[str, SuppressionReason] = {"hard_bounce": "hard_bounce", "complaint": "complaint", "stop": "stop"}
MAX_SOURCE_EVENT_CHARACTERS = 128  # schemas.users.SuppressionRequest


async def apply_consent(connection: Connection, event: ReceiptEvent | EngagementEvent, sealing: ColumnSealing | None) -> list[str]:
    """Suppress the address that a report is about, whoever has it, if the report says so; returns the users whose profiles changed.

    What is about a category waits until the delivery is known, which names the category.
    """
    if not isinstance(event, ReceiptEvent) or event.consent not in _REASONS:
        return []
    return await _suppress(connection, event, _REASONS[event.consent], sealing)


async def apply_category_stop(
    connection: Connection, event: ReceiptEvent, user_id: str, category: str, sealing: ColumnSealing | None
) -> list[str]:
    """Let a user be out of a category on a channel; without such a user the address is suppressed for it."""
    try:
        await lock_user(connection, user_id, None)
    except MissingUserError:
        return await _suppress(connection, event, "stop", sealing, category)
    change = PreferenceChange("out", category, event.channel)
    return await set_choices(connection, [(user_id, change)], _build_make_id(event), _build_origin(event))


async def apply_inbound(connection: Connection, message: InboundEvent, sealing: ColumnSealing | None) -> list[str]:
    """Record an inbound message, and do what it says: STOP suppresses the number, START undoes what STOP did and nothing else."""
    values = message.provider, message.event_key, message.event, message.channel, message.occurred_at
    if await connection.fetchval(_SQL["insert_inbound_message"], *values) is None or message.event == "help":
        return []
    if message.event == "stop":
        return await _suppress(connection, message, "stop", sealing)
    make_id, origin, address = _build_make_id(message), _build_origin(message), await _open_address(connection, message, sealing)
    return await undo_stop_suppressions(connection, message.channel, address, make_id, origin, sealing)


async def _suppress(
    connection: Connection,
    event: ReceiptEvent | InboundEvent,
    reason: SuppressionReason,
    sealing: ColumnSealing | None,
    category: str = "",
) -> list[str]:
    request = SuppressionRequest(
        channel=event.channel,
        address=await _open_address(connection, event, sealing),
        category=category,
        reason=reason,
        source_event=event.event_key[:MAX_SOURCE_EVENT_CHARACTERS],
    )
    written = await insert_suppression(connection, request, _build_make_id(event), _build_origin(event), sealing)
    return written.user_ids if written.is_changed else []


async def _open_address(connection: Connection, event: ReceiptEvent | InboundEvent, sealing: ColumnSealing | None) -> str:
    """The address of an event; the token if the key was destroyed since, or if it does not open. Raises UnavailableError without keys."""
    if not event.sealed:
        return event.address
    if sealing is None:
        raise UnavailableError(NO_KEYS)
    sealers = await sealing.read_sealers(connection, [event.address])
    return open_address(event.address, event.sealed, sealers.get(event.address), provider=event.provider, event_key=event.event_key)


def _build_make_id(event: ReceiptEvent | InboundEvent) -> MakeId:
    return partial(_derive, event)


def _derive(event: ReceiptEvent | InboundEvent, prefix: str) -> str:
    return derive_id(prefix, event.occurred_at, event.provider, event.event_key)


def _build_origin(event: ReceiptEvent | InboundEvent) -> ChangeOrigin:
    return ChangeOrigin("callback", event.provider, event.event)
