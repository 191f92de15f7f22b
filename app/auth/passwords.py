"""Passwords: what may be one, and their hashes by argon2id with the library's parameters (RFC 9106, the second recommended option).

A hash takes 64 MiB and about 0.1 s of a core, so two are computed at a time, and so many may wait.
"""

import asyncio
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.accounts import MAX_PASSWORD_CHARACTERS

T = TypeVar("T")

THREADS = 2
MIN_DISTINCT = 5  # characters; "aaaaaaaaaaaa" and "abababababab" are the first that are tried
MIN_PART_CHARACTERS = 4  # of a name or an address that a password must not consist of
RETRY_AFTER = 2  # seconds


class TooManyLoginsError(Exception):
    """More logins wait for a hash than may."""


def normalize_password(password: str) -> str:
    """The form that is hashed: the same however a keyboard composes characters (NFC, as RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password)


def find_password_problems(password: str, email: str, name: str, min_length: int) -> Iterator[str]:
    """Why a text is no password, as sentences that do not contain it.

    Length is what counts (NIST SP 800-63B-4, 3.1.1.2): no rule asks for digits or signs.
    """
    if not min_length <= len(password) <= MAX_PASSWORD_CHARACTERS:
        yield f"must have {min_length} to {MAX_PASSWORD_CHARACTERS} characters; several words are easy to remember"
    if len(set(password)) < MIN_DISTINCT:
        yield f"must have at least {MIN_DISTINCT} different characters"
    if any(_is_mostly(password, part) for part in (email, email.partition("@")[0], name)):
        yield "must not be the name or the e-mail address with a few more characters"


def _is_mostly(password: str, part: str) -> bool:
    folded, known = password.casefold(), part.casefold()
    return len(known) >= MIN_PART_CHARACTERS and known in folded and len(folded.replace(known, "")) < MIN_DISTINCT


class PasswordHashes:
    """Computes and checks hashes in two threads. `max_waiting`: hashes that may wait for one.

    `computed` counts how often a hash was computed or checked: each login costs one, whoever it is for.
    """

    def __init__(self, max_waiting: int, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._max_pending, self._pending = THREADS + max_waiting, 0
        self._dummy_hash = build_dummy_hash(self._hasher)
        self.computed = 0

    async def compute(self, password: str) -> str:
        """The hash of a new password. Raises TooManyLoginsError."""
        return await self._run(partial(self._hasher.hash, normalize_password(password)))

    async def verify(self, password_hash: str, password: str) -> bool:
        """Whether it is the password of the hash; an empty hash takes as long as any, and has none. Raises TooManyLoginsError."""
        expected = password_hash or self._dummy_hash
        return await self._run(partial(self._verify, expected, normalize_password(password))) and bool(password_hash)

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash has other parameters than a new one."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """End the threads."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, function: Callable[[], T]) -> T:
        if self._pending >= self._max_pending:
            raise TooManyLoginsError
        self._pending += 1
        self.computed += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function)
        finally:
            self._pending -= 1


def build_dummy_hash(hasher: PasswordHasher) -> str:
    """A hash of no password with the parameters of the others: checking it takes as long, and never succeeds."""
    salt, digest = b64encode(bytes(hasher.salt_len)), b64encode(bytes(hasher.hash_len))
    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${parameters}${salt.decode().rstrip('=')}${digest.decode().rstrip('=')}"
