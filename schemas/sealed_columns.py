"""What is sealed of the rows of users, devices and suppressions, and how it is opened again; pure (docs/decisions/0054)."""

from typing import Any

import msgspec
from msgspec import Struct

from schemas.blind_index import BlindIndex
from schemas.channels import ChannelName
from schemas.errors import DECODE_ERRORS, SealError
from schemas.sealing import Sealer


class PrivateUser(Struct, frozen=True):
    """What is sealed of a user."""

    addresses: dict[str, list[str]] = {}
    attributes: dict[str, Any] = {}


NO_PRIVATE_USER = PrivateUser()
"""What is left of a user whose key is destroyed."""

_encode = msgspec.json.Encoder().encode
_decode_user = msgspec.json.Decoder(PrivateUser).decode


def seal_user(user_id: str, private: PrivateUser, sealer: Sealer) -> bytes:
    """The column `sealed` of a user."""
    return sealer.seal("addresses", user_id, _encode(private))


def open_user(user_id: str, sealed: bytes, sealer: Sealer) -> PrivateUser:
    """What the column `sealed` of a user has. Raises as Sealer.open does."""
    plain = sealer.open("addresses", user_id, sealed)
    try:
        return _decode_user(plain)
    except DECODE_ERRORS as error:
        raise SealError(f"what was sealed of a user does not fit to this release: {type(error).__name__}") from None


def hide_user(private: PrivateUser, index: BlindIndex) -> PrivateUser:
    """The user with tokens in the place of addresses and values."""
    addresses = private.addresses.items()
    return PrivateUser(
        {channel: [index.compute(channel, one) for one in found] for channel, found in addresses},  # type: ignore[arg-type]  # of the catalogue
        index.compute_value(private.attributes),
    )


def seal_device(stored_token: str, token: str, sealer: Sealer) -> bytes:
    """The column `sealed` of a device, whose column `token` has a token of the blind index."""
    return sealer.seal("token", stored_token, token.encode())


def open_device(stored_token: str, sealed: bytes, sealer: Sealer) -> str:
    """The token of a device. Raises as Sealer.open does."""
    return sealer.open("token", stored_token, sealed).decode()


def seal_suppressed(stored_address: str, address: str, sealer: Sealer) -> bytes:
    """The column `sealed` of a suppression, whose column `address` has a token of the blind index."""
    return sealer.seal("suppression", stored_address, address.encode())


def open_suppressed(stored_address: str, sealed: bytes, sealer: Sealer) -> str:
    """The address of a suppression. Raises as Sealer.open does."""
    return sealer.open("suppression", stored_address, sealed).decode()


def list_forms(index: BlindIndex | None, channel: ChannelName, address: str) -> list[str]:
    """What an address (as it is compared) can be in a column: itself, or its token."""
    return [address] if index is None else [address, index.compute(channel, address)]
