"""What recipients script: an address that starts with a word of the table has its request answered so (docs/twins.md)."""

import re
from enum import StrEnum
from typing import NamedTuple


class Act(StrEnum):
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
    CUT = "cut"
    RESET = "reset"
    HANG = "hang"


class Script(NamedTuple):
    """An answer and a fault after `delay` seconds, for the first `times` requests of a delivery (0: all); `code` is Twilio's own."""

    act: Act = Act.ACCEPT
    fault: Fault = Fault.NONE
    delay: float = 0.0
    times: int = 0
    code: int = 0


PLAIN = Script()
WORDS = {
    "bounce": Script(Act.BOUNCE),
    "reject": Script(Act.REJECT),
    "unsubscribed": Script(Act.UNSUBSCRIBED),
    "throttle": Script(Act.THROTTLE),
    "fail": Script(Act.FAIL),
    "drop": Script(fault=Fault.DROP),
    "cut": Script(fault=Fault.CUT),
    "reset": Script(fault=Fault.RESET),
    "hang": Script(fault=Fault.HANG),
    "slow": Script(delay=1.0),
}
# the To numbers of Twilio's test credentials, with the codes they answer there
MAGIC_NUMBERS = {
    "0001": Script(Act.BOUNCE, code=21211),
    "0002": Script(Act.BOUNCE, code=21612),
    "0003": Script(Act.REJECT, code=21408),
    "0004": Script(Act.UNSUBSCRIBED, code=21610),
    "0009": Script(Act.BOUNCE, code=21614),
}
MAGIC_PREFIX = "+1500555"
DIGITS = {"1": "throttle", "2": "fail", "3": "drop", "4": "cut", "5": "reset", "6": "hang", "7": "slow", "8": "reject"}

_WORD = re.compile(rf"({'|'.join(WORDS)})(?:-([0-9]{{1,4}}))?(?=[^a-z0-9_-]|$)", re.IGNORECASE).match


def script_of(text: str) -> Script:
    """The script of an e-mail address, a push token, or a webhook's path behind `/hooks/`."""
    found = _WORD(text)
    return PLAIN if found is None else _numbered(found[1].lower(), int(found[2] or 0))


def script_of_number(number: str) -> Script:
    """The script of a telephone number: `+1500555` and a magic number, or `1`, a digit of DIGITS and two digits for how often."""
    if not number.startswith(MAGIC_PREFIX):
        return PLAIN
    code = number[len(MAGIC_PREFIX) :]
    if code in MAGIC_NUMBERS:
        return MAGIC_NUMBERS[code]
    if len(code) == 4 and code.isdecimal() and code[0] == "1" and code[1] in DIGITS:
        return _numbered(DIGITS[code[1]], int(code[2:]))
    return PLAIN


def _numbered(word: str, number: int) -> Script:
    script = WORDS[word]
    if not number:
        return script
    return script._replace(delay=float(number)) if script.delay else script._replace(times=number)
