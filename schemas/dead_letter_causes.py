"""What dead letters have in common: the cause, a fingerprint of stage, reason, provider's code and error; pure."""

import re
from hashlib import blake2b

from schemas.dead_letter import DeadLetter
from schemas.redaction import redact_text

CAUSE_CHARACTERS = 16
MAX_NORMALISED_CHARACTERS = 300

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_ID = re.compile(r"\b(?:[a-z]{3}_)?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b|\b[0-9a-fA-F]{12,}\b|\b[\w-]{32,}\b")
_REDACTED = re.compile(r"(?:\+\d{1,2} )?\S*\*\*\*\S*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def compute_cause(dead_letter: DeadLetter) -> str:
    """The cause of a dead letter as 16 hex digits; dead letters with the same fault have the same cause."""
    parts = dead_letter.stage, dead_letter.reason, str(dead_letter.provider_code), normalise_error(dead_letter.error)
    return blake2b("\0".join(parts).encode(), digest_size=CAUSE_CHARACTERS // 2).hexdigest()


def normalise_error(error: str) -> str:
    """The error without what differs from record to record: quoted values, addresses, ids and numbers; at most 300 characters."""
    text = _REDACTED.sub("<address>", redact_text(error))
    text = _NUMBER.sub("<number>", _ID.sub("<id>", _QUOTED.sub("<value>", text)))
    return " ".join(text.split())[:MAX_NORMALISED_CHARACTERS]
