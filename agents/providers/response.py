"""Results that all providers share: content of another channel, a missing response, Retry-After, message ids."""

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime

from schemas.channels import ChannelName
from schemas.enums import Outcome, Reason
from schemas.http import MaybeSent, NotAllowed, NotSent
from schemas.outcome import AttemptResult

MAX_PROVIDER_ID_LENGTH = 200
MAX_NAMED_FIELDS = 3
SERVER_ERROR = 500  # the first status of those by which a server says that it has failed

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,99}").fullmatch
_SECONDS = re.compile(rb"[0-9]{1,9}").fullmatch


def build_invalid_content(channel: ChannelName) -> AttemptResult:
    """The result for a delivery whose content is not the channel's; no request is made."""
    return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.INVALID, detail=f"the content is not of the channel {channel}")


def build_account_fault(code: int, detail: str) -> AttemptResult:
    """The result of a call that the provider rejects for the credentials or the account, whatever the delivery is."""
    return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, code, detail=detail, is_account_fault=True)


def describe_rejected_fields(provider: str, fields: Iterable[str | None]) -> str:
    """What a provider rejected. What does not look like the name of a field is left out, because it may quote an address or the content."""
    names = list(dict.fromkeys(field for field in fields if field and _FIELD_NAME(field)))[:MAX_NAMED_FIELDS]
    return f"{provider} rejected {', '.join(names)}" if names else f"{provider} rejected the message and named no field of it"


def parse_no_response(failure: NotSent | NotAllowed | MaybeSent) -> AttemptResult:
    """NOT_SENT; a rejection if the address is not allowed; UNKNOWN if the request may have reached the provider."""
    if isinstance(failure, NotAllowed):
        return AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.ADDRESS_NOT_ALLOWED, detail=failure.cause)
    outcome = Outcome.NOT_SENT if isinstance(failure, NotSent) else Outcome.UNKNOWN
    return AttemptResult(outcome, detail=failure.cause)


def build_unknown(status: int, retry_after: float) -> AttemptResult:
    """The result of a complete answer after which the message may have been sent."""
    has_failed = status >= SERVER_ERROR
    return AttemptResult(Outcome.UNKNOWN, "", status, retry_after=retry_after, has_failed=has_failed, is_answered=True)


def parse_retry_after(headers: Mapping[bytes, bytes], now: float, name: bytes = b"retry-after") -> float:
    """Seconds to wait by Retry-After, or by another header of its form (RFC 9110, 10.2.3): a number or a date.

    0 if it is missing, invalid or in the past.
    """
    value = headers.get(name, b"").strip()
    if not value:
        return 0.0
    if _SECONDS(value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value.decode("ascii")).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


def clean_provider_id(text: str) -> str:
    """The provider's message id, cut to 200 characters; empty if it is not printable ASCII: PostgreSQL stores no NUL."""
    return text[:MAX_PROVIDER_ID_LENGTH] if text.isascii() and text.isprintable() else ""
