"""What all providers read alike in an answer: no answer at all, and how long to wait."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from schemas.enums import Outcome
from schemas.outcome import AttemptResult
from schemas.ports import MaybeSent, NotSent

MAX_PROVIDER_ID_LENGTH = 200

_SECONDS = re.compile(rb"[0-9]{1,9}").fullmatch


def parse_no_response(failure: NotSent | MaybeSent) -> AttemptResult:
    """Nothing left this host, or nobody knows whether it arrived."""
    outcome = Outcome.NOT_SENT if isinstance(failure, NotSent) else Outcome.UNKNOWN
    return AttemptResult(outcome, detail=failure.cause)


def parse_retry_after(headers: Mapping[bytes, bytes], now: float) -> float:
    """Seconds to wait by Retry-After, as seconds or as a date (RFC 9110, 10.2.3); 0 without one, for nonsense and for the past."""
    value = headers.get(b"retry-after", b"").strip()
    if not value:
        return 0.0
    if _SECONDS(value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value.decode("ascii")).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


def parse_provider_id(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """A provider's id in a header; empty without one."""
    return headers.get(name, b"").decode("latin-1")[:MAX_PROVIDER_ID_LENGTH]
