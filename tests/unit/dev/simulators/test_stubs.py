import pytest

from dev.simulators.callback_script import CallbackScript, Report
from dev.simulators.latency import Latency
from dev.simulators.stubs import DEFAULT_STUB, PAST_DATE, WORDS, WORDS_BY_DIGITS, Fault, Stub, StubResponse, match_number_stub, match_stub


@pytest.mark.parametrize(
    ("text", "stub"),
    [
        ("a@example.org", DEFAULT_STUB),
        ("bounce@example.org", Stub(StubResponse.BOUNCE)),
        ("Bounce+u17@example.org", Stub(StubResponse.BOUNCE)),
        ("throttle-2@example.org", Stub(StubResponse.THROTTLE, times=2)),
        ("throttle-2+u-17@example.org", Stub(StubResponse.THROTTLE, times=2)),
        ("drop:device-3", Stub(fault=Fault.DROP)),
        ("reset-1", Stub(fault=Fault.RESET, times=1)),
        ("hang/u-9", Stub(fault=Fault.HANG)),
        ("slow@example.org", Stub(delay=1.0)),
        ("slow-5@example.org", Stub(delay=5.0)),
        ("unavailable@example.org", Stub(StubResponse.FAIL, status=503)),
        ("throttle-past-2@example.org", Stub(StubResponse.THROTTLE, times=2, retry_after=PAST_DATE)),
        ("expiring-3:device", Stub(StubResponse.UNSUBSCRIBED, after=3)),
        ("uniform-3@example.org", Stub(latency=Latency("uniform", 0.0, 3.0))),
        ("exponential-2@example.org", Stub(latency=Latency("exponential", 2.0))),
        ("bounced@example.org", Stub(script=CallbackScript(Report.BOUNCED))),
        ("late-5.repeated-46+u1@example.org", Stub(script=CallbackScript(wait=5.0, copies=46))),
        (
            "fail-2.opened.reversed@example.org",
            Stub(StubResponse.FAIL, times=2, script=CallbackScript(Report.OPEN, is_reversed=True)),
        ),
        ("slow-5.early/u-9", Stub(delay=5.0, script=CallbackScript(is_early=True))),
        ("silent.stale-26:device", Stub(script=CallbackScript(is_silent=True, age=26 * 3600))),
        ("fail-1.smith@example.org", Stub(StubResponse.FAIL, times=1)),
        # not one of the words, although they begin like one
        ("bouncer@example.org", DEFAULT_STUB),
        ("slow-motion@example.org", DEFAULT_STUB),
        ("fail_over@example.org", DEFAULT_STUB),
        ("my-bounce@example.org", DEFAULT_STUB),
        ("reject-12345@example.org", DEFAULT_STUB),
        ("smith.fail@example.org", DEFAULT_STUB),
        ("latest@example.org", DEFAULT_STUB),
    ],
)
def test_the_stub_of_an_address(text: str, stub: Stub) -> None:
    assert match_stub(text) == stub


@pytest.mark.parametrize(
    ("number", "stub"),
    [
        ("+4366012345678", DEFAULT_STUB),
        ("+15005550001", Stub(StubResponse.BOUNCE, twilio_code=21211)),
        ("+15005550004", Stub(StubResponse.UNSUBSCRIBED, twilio_code=21610)),
        ("+15005550006", DEFAULT_STUB),
        ("+15005551100", Stub(StubResponse.THROTTLE)),
        ("+15005551102", Stub(StubResponse.THROTTLE, times=2)),
        ("+15005551301", Stub(fault=Fault.DROP, times=1)),
        ("+15005551703", Stub(delay=3.0)),
        ("+15005551900", DEFAULT_STUB),
        ("+15005552030", Stub(script=CallbackScript(wait=30.0))),
        ("+15005552105", Stub(script=CallbackScript(Report.UNDELIVERED, error_code=30005))),
        ("+15005552100", Stub(script=CallbackScript(Report.UNDELIVERED))),
        ("+15005552346", Stub(script=CallbackScript(copies=46))),
        ("+15005552700", Stub(script=CallbackScript(age=90_000))),
        ("+15005553501", Stub(StubResponse.THROTTLE, times=1, retry_after="tomorrow")),
        ("+15005554202", Stub(StubResponse.UNSUBSCRIBED, after=2)),
        ("+150055511", DEFAULT_STUB),
        ("+1500555110²", DEFAULT_STUB),
    ],
)
def test_the_stub_of_a_number(number: str, stub: Stub) -> None:
    assert match_number_stub(number) == stub


def test_the_digits_of_numbers_are_those_of_words() -> None:
    assert set(WORDS_BY_DIGITS.values()) <= set(WORDS)
    assert len(set(WORDS_BY_DIGITS.values())) == len(WORDS_BY_DIGITS)


@pytest.mark.parametrize("word", WORDS)
def test_each_word_selects_what_it_says(word: str) -> None:
    assert match_stub(f"{word.upper()}@example.org") == WORDS[word].stub != DEFAULT_STUB
