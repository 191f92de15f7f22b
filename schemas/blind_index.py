"""The blind index: what an address is found by where the address itself must not be (docs/decisions/0047)."""

import hmac

from schemas.addresses import build_comparison_key
from schemas.channels import ChannelName

TOKEN_PREFIX = "hmac:"


class BlindIndex:
    """HMAC-SHA256 under a key that is in no table. Without the key nobody can try addresses out."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def compute(self, channel: ChannelName, address: str) -> str:
        """The token of an address; spellings that count as one address have one token."""
        text = f"{channel}\0{build_comparison_key(channel, address)}"
        return TOKEN_PREFIX + hmac.digest(self._key, text.encode(), "sha256").hex()
