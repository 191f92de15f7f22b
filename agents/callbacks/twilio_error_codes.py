"""The error codes of Twilio's status callbacks for messages that were taken and not delivered, as data.

Source of each: https://www.twilio.com/docs/api/errors/<code>, by `get_code_url`. Twilio adds codes, and says not to build on their exact
meaning; one that is not here is UNDELIVERED, which suppresses nobody.
"""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.enums import Reason, Status
from schemas.events import ConsentReport

MAX_RESENDS = 2


class ErrorMeaning(NamedTuple):
    """What an error code means: the delivery's status and reason, words for operators, and what it says of the recipient.

    `max_resends`: how often the message may be sent again, because the cause passes.
    """

    status: Status
    reason: str
    text: str
    consent: ConsentReport = ""
    max_resends: int = 0


def _fail(reason: Reason, text: str) -> ErrorMeaning:
    return ErrorMeaning(Status.FAILED, reason, text)


def _wait(text: str) -> ErrorMeaning:
    return ErrorMeaning(Status.FAILED, Reason.UNDELIVERED, text, max_resends=MAX_RESENDS)


def _bounce(text: str) -> ErrorMeaning:
    return ErrorMeaning(Status.BOUNCED, Reason.BOUNCED, text, "hard_bounce")


ERROR_CODES: Mapping[int, ErrorMeaning] = {
    21610: ErrorMeaning(Status.UNSUBSCRIBED, Reason.OPTED_OUT, "the recipient sent STOP", "stop"),
    30001: _wait("the queue was full"),
    30002: _fail(Reason.MISCONFIGURED, "the account was suspended between the call and the delivery"),
    30003: _wait("the telephone cannot be reached: switched off, out of range"),
    30004: _bounce("the number does not take messages from this sender"),
    30005: _bounce("the number is unknown, or no longer in service"),
    30006: _bounce("a landline, or a carrier that cannot be reached"),
    30007: _fail(Reason.FILTERED, "filtered by Twilio or the carrier"),
    30008: _wait("the carrier gives no cause"),
    30009: _fail(Reason.UNDELIVERED, "a segment was missing"),
    30010: _fail(Reason.MISCONFIGURED, "the price is above the highest allowed one"),
    30011: _fail(Reason.UNDELIVERED, "the number does not take media in its region"),
    30012: _fail(Reason.EXPIRED, "the validity period was too short"),
    30013: _fail(Reason.MISCONFIGURED, "the validity period was too long"),
    30017: _wait("the carrier's network is congested"),
    30018: _fail(Reason.MISCONFIGURED, "the carrier wants the sender to be registered first"),
    30019: _fail(Reason.UNDELIVERED, "the content is larger than the carrier takes"),
    30022: _fail(Reason.UNDELIVERED, "over the rate limit of the campaign (US A2P 10DLC)"),
    30023: _fail(Reason.UNDELIVERED, "over the daily cap of the brand (US A2P 10DLC)"),
    30024: _fail(Reason.MISCONFIGURED, "the carrier does not know the sender's number"),
    30027: _fail(Reason.UNDELIVERED, "over the daily limit of the brand at T-Mobile (US A2P 10DLC)"),
    30032: _fail(Reason.FILTERED, "the toll-free number of the sender is not verified"),
    30034: _fail(Reason.FILTERED, "the sender's number is not registered (US A2P 10DLC)"),
    30036: _fail(Reason.EXPIRED, "the validity period ended before it could be delivered"),
}
UNLISTED = _fail(Reason.UNDELIVERED, "Twilio gives another cause")


def build_unlisted(code: int) -> ErrorMeaning:
    """The meaning of a code that is not in the table; the message is sent once more if it is of the kind that is about deliveries."""
    return UNLISTED._replace(text=f"see {get_code_url(code)}", max_resends=1 if 30000 <= code < 31000 else 0)


def get_code_url(code: int) -> str:
    """The vendor's page about a code."""
    return f"https://www.twilio.com/docs/api/errors/{code}"
