"""Stubs: the response that the beginning of a recipient's address selects, and what happens afterwards (docs/simulators.md)."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from dev.simulators.callback_script import DEFAULT_SCRIPT, HOUR, CallbackScript, Report
from dev.simulators.latency import NO_LATENCY, Latency


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
    TRICKLE = "trickle"
    ENDLESS = "endless"
    BOMB = "bomb"
    INTERIM = "interim"


UNPROCESSED_FAULTS = (Fault.HANG, Fault.RESET)
"""Faults in which the provider does not take the message."""


class Stub(NamedTuple):
    """A response and a connection fault after `delay` seconds, for the first `times` requests of a delivery (0: for all).

    `after`: instead, for all requests to the address but the first so many. `latency`: added to the delay. `status`: of the response
    FAIL. `retry_after`: when the request may be repeated, as the response says it (None: as the provider usually does; empty: not at
    all). `twilio_code` replaces the default error code of Twilio's response. `script`: of the callbacks of an accepted request.
    """

    response: StubResponse = StubResponse.ACCEPT
    fault: Fault = Fault.NONE
    delay: float = 0.0
    times: int = 0
    twilio_code: int = 0
    after: int = 0
    latency: Latency = NO_LATENCY
    status: int = 500
    retry_after: str | None = None
    script: CallbackScript = DEFAULT_SCRIPT


class Word(NamedTuple):
    """A word of an address: what it sets, and the field of the stub or of its script that a number after it sets.

    The number is multiplied by `unit`.
    """

    stub: Stub
    number_field: str = "times"
    unit: float = 0.0


def _then(report: Report = Report.DELIVERED, number_field: str = "", unit: float = 0.0, **fields: Any) -> Word:
    """A word that concerns the callbacks only."""
    return Word(Stub(script=CallbackScript(report, **fields)), number_field, unit)


PAST_DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
DEFAULT_STUB = Stub()
RESPONSE_WORDS = {
    "bounce": Word(Stub(StubResponse.BOUNCE)),
    "reject": Word(Stub(StubResponse.REJECT)),
    "unsubscribed": Word(Stub(StubResponse.UNSUBSCRIBED)),
    "throttle": Word(Stub(StubResponse.THROTTLE)),
    "throttle-silently": Word(Stub(StubResponse.THROTTLE, retry_after="")),
    "throttle-zero": Word(Stub(StubResponse.THROTTLE, retry_after="0")),
    "throttle-negative": Word(Stub(StubResponse.THROTTLE, retry_after="-1")),
    "throttle-forever": Word(Stub(StubResponse.THROTTLE, retry_after="1000000000000")),
    "throttle-words": Word(Stub(StubResponse.THROTTLE, retry_after="tomorrow")),
    "throttle-past": Word(Stub(StubResponse.THROTTLE, retry_after=PAST_DATE)),
    "fail": Word(Stub(StubResponse.FAIL)),
    "unavailable": Word(Stub(StubResponse.FAIL, status=503)),
    "expiring": Word(Stub(StubResponse.UNSUBSCRIBED, after=1), "after", 1),
    "drop": Word(Stub(fault=Fault.DROP)),
    "truncate": Word(Stub(fault=Fault.TRUNCATE)),
    "reset": Word(Stub(fault=Fault.RESET)),
    "hang": Word(Stub(fault=Fault.HANG)),
    "trickle": Word(Stub(fault=Fault.TRICKLE)),
    "endless": Word(Stub(fault=Fault.ENDLESS)),
    "bomb": Word(Stub(fault=Fault.BOMB)),
    "interim": Word(Stub(fault=Fault.INTERIM)),
    "slow": Word(Stub(delay=1.0), "delay", 1.0),
    "uniform": Word(Stub(latency=Latency("uniform", 0.0, 1.0)), "latency", 1.0),
    "exponential": Word(Stub(latency=Latency("exponential", 1.0)), "latency", 1.0),
}
CALLBACK_WORDS = {
    "deferred": _then(Report.DEFERRED),
    "bounced": _then(Report.BOUNCED),
    "blocked": _then(Report.BLOCKED),
    "dropped": _then(Report.DROPPED),
    "opened": _then(Report.OPEN),
    "clicked": _then(Report.CLICK),
    "complained": _then(Report.COMPLAINED),
    "opted-out": _then(Report.OPTED_OUT),
    "opted-out-of-group": _then(Report.OPTED_OUT_OF_GROUP),
    "undelivered": _then(Report.UNDELIVERED),
    "failed": _then(Report.FAILED),
    "late": _then(number_field="wait", unit=1.0, wait=10.0),
    "repeated": _then(number_field="copies", unit=1, copies=2),
    "reversed": _then(is_reversed=True),
    "early": _then(is_early=True),
    "silent": _then(is_silent=True),
    "stale": _then(number_field="age", unit=HOUR, age=25 * HOUR),
    "forged": _then(is_forged=True),
}
WORDS = {**RESPONSE_WORDS, **CALLBACK_WORDS}

# the magic To numbers of Twilio's test credentials and their error codes (twilio.com/docs/iam/test-credentials)
MAGIC_NUMBERS = {
    "0001": Stub(StubResponse.BOUNCE, twilio_code=21211),
    "0002": Stub(StubResponse.BOUNCE, twilio_code=21612),
    "0003": Stub(StubResponse.REJECT, twilio_code=21408),
    "0004": Stub(StubResponse.UNSUBSCRIBED, twilio_code=21610),
    "0009": Stub(StubResponse.BOUNCE, twilio_code=21614),
}
MAGIC_PREFIX = "+1500555"
WORDS_BY_DIGITS = {
    "11": "throttle",
    "12": "fail",
    "13": "drop",
    "14": "truncate",
    "15": "reset",
    "16": "hang",
    "17": "slow",
    "18": "reject",
    "20": "late",
    "21": "undelivered",
    "22": "failed",
    "23": "repeated",
    "24": "reversed",
    "25": "early",
    "26": "silent",
    "27": "stale",
    "28": "forged",
    "30": "bomb",
    "31": "throttle-silently",
    "32": "throttle-zero",
    "33": "throttle-negative",
    "34": "throttle-forever",
    "35": "throttle-words",
    "36": "throttle-past",
    "37": "unavailable",
    "38": "trickle",
    "39": "endless",
    "41": "interim",
    "42": "expiring",
    "43": "uniform",
    "44": "exponential",
}
CARRIER_CODE_WORDS = ("undelivered", "failed")  # NN of their numbers is the end of Twilio's code 300NN

_match_start = re.compile(r"([a-z]+(?:-[a-z]+)*)(?:-([0-9]{1,4}))?(?![a-z0-9_-])", re.IGNORECASE).match
_BEGINNINGS = frozenset(word[:4] for word in WORDS)  # most addresses are recognised by them as ones without a stub


def match_stub(text: str) -> Stub:
    """Find the stub of an e-mail address, a push token, or a webhook path after `/hooks/`: the words before anything else."""
    if text[:4].lower() not in _BEGINNINGS:
        return DEFAULT_STUB
    start = _match_start(text)
    if start is None or start[1].lower() not in WORDS:
        return DEFAULT_STUB
    return _parse_words(re.split(r"[^a-z0-9._-]", text.lower(), maxsplit=1)[0])


@lru_cache(4096)
def _parse_words(text: str) -> Stub:
    stub = DEFAULT_STUB
    for part in text.split("."):
        start = _match_start(part)
        if start is None or start.end() != len(part) or start[1] not in WORDS:
            break
        stub = _add_word(stub, WORDS[start[1]], int(start[2] or 0))
    return stub


def match_number_stub(number: str) -> Stub:
    """Find the stub of a telephone number.

    A number with a stub is `+1500555` and a magic number, or `+1500555`, two digits of WORDS_BY_DIGITS and two more: the number after the
    word.
    """
    if not number.startswith(MAGIC_PREFIX):
        return DEFAULT_STUB
    code = number[len(MAGIC_PREFIX) :]
    if code in MAGIC_NUMBERS:
        return MAGIC_NUMBERS[code]
    word = WORDS_BY_DIGITS.get(code[:2])
    if word is None or len(code) != 4 or not (code.isascii() and code.isdecimal()):
        return DEFAULT_STUB
    value = int(code[2:])
    if word in CARRIER_CODE_WORDS:
        script = WORDS[word].stub.script._replace(error_code=30000 + value if value else 0)
        return Stub(script=script)
    return _add_word(DEFAULT_STUB, WORDS[word], value)


def _add_word(stub: Stub, word: Word, number: int) -> Stub:
    """The stub with what the word and the number after it set."""
    added = word.stub
    if number and word.number_field in Stub._fields:
        value: Any = number * word.unit if word.unit else number
        if word.number_field == "latency":
            value = Latency(added.latency.kind, *((0.0, value) if added.latency.kind == "uniform" else (value, 0.0)))
        added = added._replace(**{word.number_field: value})
    elif number and word.number_field:
        changes: dict[str, Any] = {word.number_field: number * word.unit}
        added = added._replace(script=added.script._replace(**changes))
    script = stub.script._replace(**_list_changes(added.script, DEFAULT_SCRIPT))
    return stub._replace(**{**_list_changes(added, DEFAULT_STUB), "script": script})


def _list_changes(value: Any, default: Any) -> Mapping[str, Any]:
    """The fields of a named tuple that differ from the default."""
    return {name: changed for name, changed, original in zip(value._fields, value, default, strict=True) if changed != original}
