"""Stubs: the response that the beginning of a recipient's address selects (docs/simulators.md)."""

import re
from enum import StrEnum
from typing import NamedTuple


class StubResponse(StrEnum):
    """The kind of response; each provider encodes it in its own format."""

    ACCEPT = "accept"
    BOUNCE = "bounce"
    REJECT = "reject"
    UNSUBSCRIBED = "unsubscribed"
    THROTTLE = "throttle"
    FAIL = "fail"


class Fault(StrEnum):
    """A fault of the connection while the response is sent."""

    NONE = ""
    DROP = "drop"
    TRUNCATE = "truncate"
    RESET = "reset"
    HANG = "hang"


UNPROCESSED_FAULTS = (Fault.HANG, Fault.RESET)
"""Faults in which the provider does not take the message."""


class Stub(NamedTuple):
    """A response and a connection fault after `delay` seconds, for the first `times` requests of a delivery (0: for all).

    `twilio_code` replaces the default error code of Twilio's response.
    """

    response: StubResponse = StubResponse.ACCEPT
    fault: Fault = Fault.NONE
    delay: float = 0.0
    times: int = 0
    twilio_code: int = 0


DEFAULT_STUB = Stub()
STUBS_BY_WORD = {
    "bounce": Stub(StubResponse.BOUNCE),
    "reject": Stub(StubResponse.REJECT),
    "unsubscribed": Stub(StubResponse.UNSUBSCRIBED),
    "throttle": Stub(StubResponse.THROTTLE),
    "fail": Stub(StubResponse.FAIL),
    "drop": Stub(fault=Fault.DROP),
    "truncate": Stub(fault=Fault.TRUNCATE),
    "reset": Stub(fault=Fault.RESET),
    "hang": Stub(fault=Fault.HANG),
    "slow": Stub(delay=1.0),
}
# the magic To numbers of Twilio's test credentials and their error codes (twilio.com/docs/iam/test-credentials)
MAGIC_NUMBERS = {
    "0001": Stub(StubResponse.BOUNCE, twilio_code=21211),
    "0002": Stub(StubResponse.BOUNCE, twilio_code=21612),
    "0003": Stub(StubResponse.REJECT, twilio_code=21408),
    "0004": Stub(StubResponse.UNSUBSCRIBED, twilio_code=21610),
    "0009": Stub(StubResponse.BOUNCE, twilio_code=21614),
}
MAGIC_PREFIX = "+1500555"
WORDS_BY_DIGIT = {"1": "throttle", "2": "fail", "3": "drop", "4": "truncate", "5": "reset", "6": "hang", "7": "slow", "8": "reject"}

_match_word = re.compile(rf"({'|'.join(STUBS_BY_WORD)})(?:-([0-9]{{1,4}}))?(?=[^a-z0-9_-]|$)", re.IGNORECASE).match


def match_stub(text: str) -> Stub:
    """Find the stub of an e-mail address, a push token, or a webhook path after `/hooks/`."""
    word_match = _match_word(text)
    return DEFAULT_STUB if word_match is None else _build_limited_stub(word_match[1].lower(), int(word_match[2] or 0))


def match_number_stub(number: str) -> Stub:
    """Find the stub of a telephone number.

    A number with a stub is `+1500555` and a magic number, or `+1500555`, `1`, a digit of WORDS_BY_DIGIT and two digits: the limit.
    """
    if not number.startswith(MAGIC_PREFIX):
        return DEFAULT_STUB
    code = number[len(MAGIC_PREFIX) :]
    if code in MAGIC_NUMBERS:
        return MAGIC_NUMBERS[code]
    if len(code) == 4 and code.isdecimal() and code[0] == "1" and code[1] in WORDS_BY_DIGIT:
        return _build_limited_stub(WORDS_BY_DIGIT[code[1]], int(code[2:]))
    return DEFAULT_STUB


def _build_limited_stub(word: str, number: int) -> Stub:
    stub = STUBS_BY_WORD[word]
    if not number:
        return stub
    return stub._replace(delay=float(number)) if stub.delay else stub._replace(times=number)
