"""What recipients script: an address that starts with a word of the table has its request answered so (docs/simulators.md)."""

import re
from enum import StrEnum
from typing import NamedTuple


class StubResponse(StrEnum):
    """What a provider answers; each says it in its own words."""

    ACCEPT = "accept"
    BOUNCE = "bounce"
    REJECT = "reject"
    UNSUBSCRIBED = "unsubscribed"
    THROTTLE = "throttle"
    FAIL = "fail"


class Fault(StrEnum):
    """How the connection spoils the answer."""

    NONE = ""
    DROP = "drop"
    TRUNCATE = "truncate"
    RESET = "reset"
    HANG = "hang"


class Stub(NamedTuple):
    """An answer and a fault after `delay` seconds, for the first `times` requests of a delivery (0: all); `code` is Twilio's own."""

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
# the To numbers of Twilio's test credentials, with the codes they answer there
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
    """The script of an e-mail address, a push token, or a webhook's path behind `/hooks/`."""
    found = _match_word(text)
    return DEFAULT_STUB if found is None else _build_limited_stub(found[1].lower(), int(found[2] or 0))


def match_number_stub(number: str) -> Stub:
    """The script of a telephone number: `+1500555` and a magic number, or `1`, a digit of DIGITS and two digits for how often."""
    if not number.startswith(MAGIC_PREFIX):
        return DEFAULT_STUB
    code = number[len(MAGIC_PREFIX) :]
    if code in MAGIC_NUMBERS:
        return MAGIC_NUMBERS[code]
    if len(code) == 4 and code.isdecimal() and code[0] == "1" and code[1] in WORDS_BY_DIGIT:
        return _build_limited_stub(WORDS_BY_DIGIT[code[1]], int(code[2:]))
    return DEFAULT_STUB


def _build_limited_stub(word: str, number: int) -> Stub:
    script = STUBS_BY_WORD[word]
    if not number:
        return script
    return script._replace(delay=float(number)) if script.delay else script._replace(times=number)
