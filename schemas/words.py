"""The closed vocabularies of Herold: lanes, channels, states, statuses, outcomes and reasons (docs/glossary.md)."""

from enum import StrEnum
from typing import Literal, get_args

Lane = Literal["high", "medium", "low"]
Channel = Literal["email", "sms", "push", "webhook"]

LANES: tuple[Lane, ...] = get_args(Lane)
CHANNELS: tuple[Channel, ...] = get_args(Channel)


class State(StrEnum):
    """What became of a notification in the router."""

    ROUTED = "routed"
    HELD = "held"
    MERGED = "merged"
    REFUSED = "refused"
    DEAD = "dead"


class StatusName(StrEnum):
    """What became of a delivery."""

    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    DELIVERED = "DELIVERED"
    BOUNCED = "BOUNCED"
    UNSUBSCRIBED = "UNSUBSCRIBED"


RANK: dict[StatusName, int] = {
    StatusName.PENDING: 0,
    StatusName.SENT: 10,
    StatusName.FAILED: 15,
    StatusName.DELIVERED: 20,
    StatusName.BOUNCED: 30,
    StatusName.UNSUBSCRIBED: 40,
}


class Outcome(StrEnum):
    """What one attempt came to (design: six outcomes, no seventh)."""

    ACCEPTED = "ACCEPTED"
    REJECTED_RECIPIENT = "REJECTED_RECIPIENT"
    REJECTED_PERMANENT = "REJECTED_PERMANENT"
    THROTTLED = "THROTTLED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"


class Reason(StrEnum):
    """Why a notification was refused or died, or a delivery failed; the word operators count by."""

    # refused by the router
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    UNKNOWN_USER = "unknown_user"
    NO_ADDRESS = "no_address"
    RATE_LIMITED = "rate_limited"
    # dead in the router: the record itself
    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"
    INVALID = "invalid"
    UNSUPPORTED = "unsupported"
    FOREIGN_TIME = "foreign_time"
    WRONG_PARTITION = "wrong_partition"
    # dead in the router: what the record asks for
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_TEMPLATE = "unknown_template"
    MISSING_VARIABLE = "missing_variable"
    TEMPLATE_ERROR = "template_error"
    CONTENT_TOO_LARGE = "content_too_large"
    # dead anywhere: an error of our own
    UNEXPECTED = "unexpected"
    # of a delivery
    REJECTED_RECIPIENT = "rejected_recipient"
    REJECTED_PERMANENT = "rejected_permanent"
    OPTED_OUT = "opted_out"
    TOKEN_DEAD = "token_dead"
    ENDPOINT_GONE = "endpoint_gone"
    MISCONFIGURED = "misconfigured"
    EXHAUSTED = "exhausted"
