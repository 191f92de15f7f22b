"""The closed vocabularies of Herold: priorities, states, statuses, outcomes and reasons (docs/glossary.md)."""

from enum import StrEnum
from typing import Literal, get_args

Priority = Literal["high", "medium", "low"]

PRIORITIES: tuple[Priority, ...] = get_args(Priority)


class State(StrEnum):
    """What became of a notification in the router."""

    ROUTED = "routed"
    HELD = "held"
    MERGED = "merged"
    REJECTED = "rejected"
    DEAD = "dead"


class Status(StrEnum):
    """What became of a delivery."""

    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    DELIVERED = "DELIVERED"
    BOUNCED = "BOUNCED"
    UNSUBSCRIBED = "UNSUBSCRIBED"


STATUS_RANK: dict[Status, int] = {
    Status.PENDING: 0,
    Status.SENT: 10,
    Status.FAILED: 15,
    Status.DELIVERED: 20,
    Status.BOUNCED: 30,
    Status.UNSUBSCRIBED: 40,
}


class Outcome(StrEnum):
    """The result of one attempt; there are exactly six."""

    ACCEPTED = "ACCEPTED"
    REJECTED_RECIPIENT = "REJECTED_RECIPIENT"
    REJECTED_PERMANENT = "REJECTED_PERMANENT"
    THROTTLED = "THROTTLED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"


class Reason(StrEnum):
    """The reasons for a rejection, a dead letter or a failed delivery that no single gate of the router declares."""

    EXPIRED = "expired"
    # of a record
    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"
    INVALID = "invalid"
    UNSTORABLE = "unstorable"
    UNMATCHED = "unmatched"
    ERASED = "erased"
    SEAL_BROKEN = "seal_broken"
    # an error of our own
    UNEXPECTED_ERROR = "unexpected_error"
    # of a delivery
    REJECTED_RECIPIENT = "rejected_recipient"
    REJECTED_PERMANENT = "rejected_permanent"
    OPTED_OUT = "opted_out"
    NOT_OPTED_IN = "not_opted_in"
    SUPPRESSED = "suppressed"
    UNREGISTERED_TOKEN = "unregistered_token"
    INVALID_TOKEN = "invalid_token"
    SENDER_ID_MISMATCH = "sender_id_mismatch"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    ENDPOINT_GONE = "endpoint_gone"
    ENDPOINT_DISABLED = "endpoint_disabled"
    MISCONFIGURED = "misconfigured"
    RETRIES_EXHAUSTED = "retries_exhausted"
    CANCELLED = "cancelled"
    ACCOUNT_PAUSED = "account_paused"
    RETRY_BUDGET = "retry_budget"
    CALL_RATE = "call_rate"
    ENDPOINT_ORDER = "endpoint_order"
    ENDPOINT_QUEUE_FULL = "endpoint_queue_full"
    NO_TEST_ACCOUNT = "no_test_account"
    # of a delivery, as its provider reported it later
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    DROPPED = "dropped"
    COMPLAINED = "complained"
    UNDELIVERED = "undelivered"
    FILTERED = "filtered"
    CANCELED = "canceled"
    # of a call without an answer
    UNKNOWN = "unknown"
    FOUND_BY_RECEIPT = "found_by_receipt"
    FOUND_AT_PROVIDER = "found_at_provider"
    # of one that waits
    TOO_MANY_BOUNCES = "too_many_bounces"
