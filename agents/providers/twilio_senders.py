"""The senders of a Twilio account, by the country or area of the recipient.

Source of the limits: https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id (at most 11 characters, one of them a letter) and
https://www.twilio.com/docs/messaging/api/message-resource (From, MessagingServiceSid).
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

ANY_RECIPIENT: Final = "*"

SENDER_PATTERN: Final = r"\+[1-9][0-9]{1,14}|[0-9]{3,8}|MG[0-9a-fA-F]{32}|(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}"
SENDER_WORDS: Final = (
    "a number in E.164, a short code, the SID of a messaging service (MG and 32 hex digits) or a name of at most 11 characters"
)

is_messaging_service = re.compile(r"MG[0-9a-fA-F]{32}").fullmatch
_is_sender = re.compile(SENDER_PATTERN).fullmatch
_is_prefix = re.compile(r"\+[1-9][0-9]{0,14}").fullmatch
_HAS_NO_NAMES: Final = "+1"  # the United States and Canada do not take messages from names


def parse_senders(text: str) -> dict[str, tuple[str, ...]]:
    """The senders by the beginning of the recipient's number, `*` for all others: `+43=+4366012345678, +1=+15005550006, *=Shop`.

    A beginning that comes more than once has a pool of senders. Raises ValueError, which names the entry by its number.
    """
    pools: dict[str, tuple[str, ...]] = {}
    for number, entry in enumerate(text.split(",") if text.strip() else (), start=1):
        prefix, equals, sender = (part.strip() for part in entry.partition("="))
        if not equals or not (prefix == ANY_RECIPIENT or _is_prefix(prefix)):
            raise ValueError(f"entry {number} must be the beginning of a number (+43) or *, then = and a sender")
        if not _is_sender(sender):
            raise ValueError(f"the sender of entry {number} must be {SENDER_WORDS}")
        if prefix == _HAS_NO_NAMES and not is_messaging_service(sender) and re.search("[A-Za-z]", sender):
            raise ValueError(f"entry {number}: nobody in the United States or Canada gets messages from a name")
        if sender in pools.get(prefix, ()):
            raise ValueError(f"entry {number} repeats an earlier one")
        pools[prefix] = (*pools.get(prefix, ()), sender)
    return pools


class SenderChoice:
    """Chooses the sender's part of the form: the longest beginning of the number decides, and a recipient keeps the same one of a pool.

    A sender that is added to a pool, or taken from it, changes that of no other recipients than its own.
    """

    def __init__(self, pools: Mapping[str, Sequence[bytes]], default: bytes) -> None:
        self._default = pools.get(ANY_RECIPIENT, (default,))
        self._pools = {prefix: pool for prefix, pool in pools.items() if prefix != ANY_RECIPIENT}
        self._lengths = sorted({len(prefix) for prefix in self._pools}, reverse=True)

    def choose(self, address: str) -> bytes:
        """The sender for a number in E.164."""
        pool = self._find_pool(address)
        if len(pool) == 1:
            return pool[0]
        number = address.encode()
        return max(pool, key=lambda sender: blake2b(number + sender, digest_size=8).digest())

    def _find_pool(self, address: str) -> Sequence[bytes]:
        for length in self._lengths:
            pool = self._pools.get(address[:length])
            if pool is not None:
                return pool
        return self._default
