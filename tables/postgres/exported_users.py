"""Opens what is sealed in the rows of an export of users."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.errors import UnavailableError
from schemas.sealed_columns import PrivateUser
from schemas.sealing import Sealer
from tables.postgres.column_sealing import NO_KEYS, ColumnSealing, open_private, open_token
from tables.postgres.database import Connection, DatabaseRow
from tables.postgres.user_rows import build_private, encode_json


async def open_exported(sealing: ColumnSealing | None, connection: Connection, rows: Sequence[DatabaseRow]) -> list[DatabaseRow]:
    """The rows as if nothing were sealed. Raises UnavailableError."""
    devices = {row["id"]: msgspec.json.decode(row["devices"], type=list[dict[str, Any]]) for row in rows}
    owners = [row["id"] for row in rows if row["sealed"] is not None or any(one["sealed"] for one in devices[row["id"]])]
    if owners and sealing is None:
        raise UnavailableError(NO_KEYS)
    sealers = await sealing.read_sealers(connection, owners) if sealing is not None else {}
    return [_open_row(row, devices[row["id"]], sealers.get(row["id"])) for row in rows]


def _open_row(row: DatabaseRow, devices: Sequence[dict[str, Any]], sealer: Sealer | None) -> dict[str, Any]:
    private: PrivateUser = build_private(row) if row["sealed"] is None else open_private(row["id"], row["sealed"], sealer)
    opened = sorted((_open_device(one, sealer) for one in devices), key=lambda one: one["token"])
    shown = {"addresses": encode_json(private.addresses), "attributes": encode_json(private.attributes), "devices": encode_json(opened)}
    return {**row, **shown}


def _open_device(device: dict[str, Any], sealer: Sealer | None) -> dict[str, Any]:
    token, sealed = device["token"], device.pop("sealed")
    return {**device, "token": open_token(token, b64decode(sealed), sealer)} if sealed else device
