"""What happens to a message after it was accepted, and how the callbacks about it arrive: the second phase of a script."""

from enum import StrEnum
from typing import NamedTuple

HOUR = 3600.0


class Report(StrEnum):
    """What becomes of an accepted message; each provider says it with its own events."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    DROPPED = "dropped"
    OPEN = "open"
    CLICK = "click"
    COMPLAINED = "complained"
    OPTED_OUT = "opted-out"
    OPTED_OUT_OF_GROUP = "opted-out-of-group"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


class CallbackScript(NamedTuple):
    """What is reported about a message, and how.

    `error_code`: of Twilio, 0 for that of the report. `wait`: seconds before the first. `copies`: how often each is posted.
    `is_reversed`: the last one is posted first. `is_early`: all are posted before the response to the request. `is_silent`: none is
    posted. `age`: seconds by which their times lie in the past. `is_forged`: the signature is made with another key.
    """

    report: Report = Report.DELIVERED
    error_code: int = 0
    wait: float = 0.0
    copies: int = 1
    is_reversed: bool = False
    is_early: bool = False
    is_silent: bool = False
    age: float = 0.0
    is_forged: bool = False


DEFAULT_SCRIPT = CallbackScript()
