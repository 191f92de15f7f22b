"""The blind index: what an address is found by where the address itself must not be (docs/decisions/0047, 0054)."""

import hmac
from typing import Any

import msgspec

from schemas.addresses import build_comparison_key
from schemas.channels import CHANNELS, ChannelName
from schemas.content_limits import FID_PREFIX

TOKEN_PREFIX = "hmac:"

_CHANNEL_OF_DEVICES: ChannelName = next(channel.name for channel in CHANNELS if channel.has_devices)
_encode = msgspec.json.Encoder().encode


def is_token(text: str) -> bool:
    """Whether a text is in the place of an address or value."""
    return text.startswith(TOKEN_PREFIX)


class BlindIndex:
    """HMAC-SHA256 under a key that is in no table. Without the key nobody can try addresses out."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def compute(self, channel: ChannelName, address: str) -> str:
        """The token of an address; spellings that count as one address have one token, and the device of a push address has its token."""
        text = address.removeprefix(FID_PREFIX) if channel == _CHANNEL_OF_DEVICES else build_comparison_key(channel, address)
        return self._hash(f"{channel}\0{text}".encode())

    def compute_device(self, token: str) -> str:
        """The token of the blind index for the token of a device."""
        return self.compute(_CHANNEL_OF_DEVICES, token)

    def compute_value(self, value: Any, path: str = "attributes") -> Any:
        """A JSON value with a token in the place of each text, number, boolean and null.

        One JSON value contains another one (the operator @> of PostgreSQL) exactly if it does with tokens.
        """
        if isinstance(value, dict):
            return {name: self.compute_value(one, f"{path}\0{name}") for name, one in value.items()}
        if isinstance(value, list):
            return [self.compute_value(one, path) for one in value]
        number = int(value) if isinstance(value, float) and value.is_integer() else value  # 1 and 1.0 are one number in PostgreSQL
        return self._hash(b"%b\0%b" % (path.encode(), _encode(number)))

    def _hash(self, text: bytes) -> str:
        return TOKEN_PREFIX + hmac.digest(self._key, text, "sha256").hex()
