"""Tokens of SASL OAUTHBEARER from a file or a command."""

import asyncio
import base64
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import OAuthAuthenticator
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed

from schemas.ports import Clock

COMMAND_TIMEOUT = 30.0  # seconds
RENEWAL_FACTOR = 0.8  # of the remaining lifetime of a token; then the command runs again; Kafka's own clients do the same


_original_step = OAuthAuthenticator.step


class TokenError(KafkaConnectionError):  # type: ignore[misc]
    """No token can be got; aiokafka treats it as a failed connection and connects again."""


class OAuthTokenProvider(AbstractTokenProvider):  # type: ignore[misc]
    """Gives aiokafka the token for a new connection; usable from the event loops of several threads."""

    def __init__(self, read_token: Callable[[], str]) -> None:
        self._read_token = read_token

    async def token(self) -> str:
        """The token. Raises TokenError."""
        return await asyncio.to_thread(self._read_token)


def patch_oauth_authenticator() -> None:
    """Let aiokafka notice a rejected token, in the whole process.

    A broker answers an accepted token with nothing and a rejected one with JSON (RFC 7628, section 3.2.2). aiokafka 0.14 ignores the answer
    and uses a connection that is not authenticated.
    """
    OAuthAuthenticator.step = _step


async def _step(self: Any, payload: bytes | None) -> Any:
    """aiokafka's `step`; `payload` is the broker's answer to the one before. Raises SaslAuthenticationFailed."""
    if payload:
        raise SaslAuthenticationFailed(payload.decode("utf-8", "replace"))
    return await _original_step(self, payload)


class CachedToken:
    """A token that is read again before it expires. One without a readable expiry is read again for each connection."""

    def __init__(self, read_token: Callable[[], str], clock: Clock) -> None:
        self._read_token, self._clock = read_token, clock
        self._lock = threading.Lock()  # connections of several threads share one run of the command
        self._token, self._renew_at = "", 0.0

    def get(self) -> str:
        """The current token. Raises TokenError."""
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._token = self._read_token()
                now = self._clock()
                self._renew_at = now + RENEWAL_FACTOR * (decode_expiry(self._token) - now)
            return self._token


class _Claims(msgspec.Struct):
    exp: float = 0.0


def decode_expiry(token: str) -> float:
    """When a JSON Web Token expires, in seconds since the epoch; 0 for any other token."""
    try:
        payload = token.split(".")[1]
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims).exp
    except (IndexError, ValueError):
        return 0.0


def read_token_file(path: Path) -> str:
    """The content of the file without white space around it. Raises TokenError."""
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"kafka.security.token_file: {path} cannot be read: {type(error).__name__}") from None
    return _require_token(token, "token_file", f"{path} is empty")


def run_token_command(argv: Sequence[str]) -> str:
    """What the command prints, without white space around it. Raises TokenError, which does not show the output: it may be a secret."""
    try:
        process = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_TIMEOUT, check=False)
    except OSError as error:
        raise TokenError(f"kafka.security.token_command: {argv[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise TokenError(f"kafka.security.token_command: {argv[0]} did not end within {COMMAND_TIMEOUT:.0f} s") from None
    if process.returncode:
        raise TokenError(f"kafka.security.token_command: {argv[0]} ended with exit code {process.returncode}; run it by hand to see why")
    return _require_token(process.stdout.decode("utf-8", "replace").strip(), "token_command", f"{argv[0]} printed nothing")


def _require_token(token: str, key: str, problem: str) -> str:
    if not token:
        raise TokenError(f"kafka.security.{key}: {problem}")
    return token
