"""What all providers read alike in an answer: no answer at all, and how long to wait."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from schemas.outcome import Attempted
from schemas.ports import MaybeSent, NotSent
from schemas.words import Outcome

MAX_ID_CHARACTERS = 200

_SECONDS = re.compile(rb"[0-9]{1,9}").fullmatch


def unanswered(answer: NotSent | MaybeSent) -> Attempted:
    """Nothing left this host, or nobody knows whether it arrived."""
    outcome = Outcome.NOT_SENT if isinstance(answer, NotSent) else Outcome.UNKNOWN
    return Attempted(outcome, detail=answer.cause)


def retry_after(headers: Mapping[bytes, bytes], now: float) -> float:
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


def id_of(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """A provider's id in a header; empty without one."""
    return headers.get(name, b"").decode("latin-1")[:MAX_ID_CHARACTERS]
