"""Codes of authenticator apps (TOTP, RFC 6238), and the recovery codes for who has lost theirs."""

import hmac
import re
from base64 import b32encode
from collections.abc import Callable

import pyotp

RandomBytes = Callable[[int], bytes]

STEP_SECONDS = 30
ACCEPTED_STEPS = 1  # before and after the current one: clocks differ, and people type
SECRET_BYTES = 20  # as long as the output of SHA-1 (RFC 4226, 4, R6)
RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 10  # 80 random bits: 16 characters

_match_code = re.compile("[0-9]{6}").fullmatch
_match_recovery_code = re.compile("[a-z2-7]{16}").fullmatch
_remove_separators = re.compile(r"[\s-]+").sub


def make_totp_secret(read_random: RandomBytes) -> bytes:
    """A new secret, which an authenticator app shares."""
    return read_random(SECRET_BYTES)


def format_totp_secret(secret: bytes) -> str:
    """The secret as people type it: base32."""
    return b32encode(secret).decode()


def build_totp_uri(secret: bytes, email: str, issuer: str) -> str:
    """The URI that an app reads from a QR code (otpauth://totp/...)."""
    return pyotp.TOTP(format_totp_secret(secret)).provisioning_uri(name=email, issuer_name=issuer)


def find_totp_step(secret: bytes, code: str, now: float, last_step: int) -> int | None:
    """The step of a code that is valid now and later than the last one that was used; None if there is none. `now`: epoch seconds."""
    digits = _remove_separators("", code)
    if not _match_code(digits):
        return None
    totp, current = pyotp.TOTP(format_totp_secret(secret)), int(now) // STEP_SECONDS
    steps = range(current - ACCEPTED_STEPS, current + ACCEPTED_STEPS + 1)
    matching = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), digits)]
    return max((step for step in matching if step > last_step), default=None)


def make_recovery_codes(read_random: RandomBytes) -> list[str]:
    """New codes, each for one login, in groups of four characters."""
    codes = [b32encode(read_random(RECOVERY_CODE_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def normalize_recovery_code(code: str) -> str | None:
    """A recovery code without groups; None for another text."""
    text = _remove_separators("", code).lower()
    return text if _match_recovery_code(text) else None
