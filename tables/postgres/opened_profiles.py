"""Opens what is sealed in the rows of profiles."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from schemas.blind_index import is_token
from schemas.content_limits import FID_PREFIX
from schemas.errors import ErasedError, SealError, UnavailableError, UnknownDataKeyError
from schemas.sealed_columns import NO_PRIVATE_USER, PrivateUser, open_device, open_user
from schemas.sealing import Sealer
from tables.postgres.database import DatabaseRow
from tables.postgres.user_rows import encode_json


def is_sealed(row: DatabaseRow) -> bool:
    """Whether the user or a device is sealed."""
    return row["sealed"] is not None or any(map(_is_sealed_device, row["devices"]))


def open_row(row: DatabaseRow, sealers: Mapping[str, Sealer], *, is_fresh: bool) -> DatabaseRow:
    """The row as if nothing were sealed; what cannot be opened is not there, so that it is sent nowhere.

    Raises UnavailableError if the keys could not be read, and UnknownDataKeyError for a key that those of a cache do not have.
    """
    if not is_sealed(row):
        return row
    if (sealer := sealers.get(row["id"])) is None:
        raise UnavailableError("the keys of users could not be read")
    opened: dict[str, Any] = {**row, "sealed": None}
    try:
        if row["sealed"] is not None:
            private = _open_user(row["id"], row["sealed"], sealer)
            opened |= {"addresses": encode_json(private.addresses), "attributes": encode_json(private.attributes)}
        opened["devices"] = [address for device in row["devices"] if (address := _open_device(device, sealer))]
    except UnknownDataKeyError:
        if not is_fresh:
            raise
        opened |= {"addresses": "{}", "attributes": "{}", "devices": []}
    return opened


def _open_user(user_id: str, sealed: bytes, sealer: Sealer) -> PrivateUser:
    try:
        return open_user(user_id, sealed, sealer)
    except UnknownDataKeyError:
        raise
    except (ErasedError, SealError):
        return NO_PRIVATE_USER


def _open_device(text: str, sealer: Sealer) -> str:
    """The address of a device; empty if it cannot be opened."""
    if not _is_sealed_device(text):
        return text
    address, _, sealed = text.partition(" ")
    prefix = FID_PREFIX if address.startswith(FID_PREFIX) else ""
    try:
        return prefix + open_device(address.removeprefix(prefix), b64decode(sealed), sealer)
    except UnknownDataKeyError:
        raise
    except (ErasedError, SealError, ValueError):
        return ""


def _is_sealed_device(text: str) -> bool:
    return " " in text and is_token(text.removeprefix(FID_PREFIX))
