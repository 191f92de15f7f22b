"""Refresh tokens: opaque texts, of which the hash is stored. Each is exchanged for the next one of its session.

The next one is derived from the one before with a secret key: who asks twice at once, as two tabs do, gets the same one, so that the
tokens of a session never fork, and who has a stolen copy meets its owner's at the next exchange (RFC 9700, 4.14.2).
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable

from app.auth.secret_box import SecretBox

PREFIX = "hrr_"
TOKEN_BYTES = 32

_match_token = re.compile(PREFIX + "[A-Za-z0-9_-]{43}").fullmatch


def make_refresh_token(read_random: Callable[[int], bytes]) -> str:
    """The first token of a session."""
    return _encode(read_random(TOKEN_BYTES))


def derive_next_token(box: SecretBox, token: str) -> str:
    """The token that this one is exchanged for."""
    return _encode(box.compute_hash("refresh token", token.encode()))


def hash_token(token: str) -> bytes:
    """What is stored of a token or of a link; a slow hash is needless for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def is_refresh_token(text: str) -> bool:
    """Whether a text may be a refresh token."""
    return _match_token(text) is not None


def _encode(value: bytes) -> str:
    return PREFIX + urlsafe_b64encode(value).rstrip(b"=").decode()
