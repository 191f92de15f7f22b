"""Removes devices whose tokens a provider has rejected; implements schemas.store_ports.RejectedDeviceStore."""

from collections.abc import Mapping, Sequence
from typing import Final

from schemas.device_rejections import DeviceVerdicts, RejectedDevice, StoredDevice, judge_devices
from schemas.events import StatusEvent
from schemas.users import AUDIT_ENTRY_PREFIX
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.column_sealing import StoredToken, open_devices
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.preferences import MakeId
from tables.postgres.query_loader import load_queries
from tables.postgres.users import OBJECT_TYPE

_SQL = load_queries("device_rejections")
ACTOR: Final = "recorder"


class PostgresRejectedDeviceStore:
    """Judges the devices of rejected deliveries in one transaction, with the users locked."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def remove(self, rejections: Sequence[StatusEvent]) -> Sequence[str]:
        """Remove or doubt the devices, and return the ids of their users. Raises UnavailableError."""
        user_ids = sorted({event.user_id for event in rejections})
        async with self._database.acquire_connection() as connection, connection.transaction():
            rows = await connection.fetch(_SQL["list_devices"], user_ids)
            stored = [StoredToken(row["user_id"], row["token"], row["sealed"]) for row in rows]
            tokens = await open_devices(self._database.sealing, connection, stored)
            verdicts = judge_devices(rejections, [_build_device(row, token) for row, token in zip(rows, tokens, strict=True)])
            columns = {(one.user_id, token): one.token for one, token in zip(stored, tokens, strict=True)}
            await self._apply(connection, verdicts, columns)
        return [one.device.user_id for one in verdicts.removed]

    async def _apply(self, connection: Connection, verdicts: DeviceVerdicts, columns: Mapping[tuple[str, str], str]) -> None:
        if verdicts.doubted:
            places = _list_places(verdicts.doubted, columns)
            await connection.execute(_SQL["doubt_devices"], *places, [one.delivery_id for one in verdicts.doubted])
        if verdicts.removed:
            await connection.execute(_SQL["delete_devices"], *_list_places(verdicts.removed, columns))
        for device, delivery_id, reason in verdicts.removed:
            details = {
                "source": "provider",
                "kind": device.kind,
                "platform": device.platform,
                "reason": reason,
                "delivery_id": delivery_id,
            }
            entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
            await write_audit_entry(connection, entry_id, ACTOR, "delete_device", OBJECT_TYPE, device.user_id, details)


def _list_places(rejected: Sequence[RejectedDevice], columns: Mapping[tuple[str, str], str]) -> tuple[list[str], list[str]]:
    """The users of devices, and their tokens as they are stored."""
    places = [(one.device.user_id, one.device.token) for one in rejected]
    return [user_id for user_id, _ in places], [columns[place] for place in places]


def _build_device(row: DatabaseRow, token: str) -> StoredDevice:
    return StoredDevice(row["user_id"], token, row["kind"], row["platform"], row["updated_at"], row["rejected_delivery_id"])
