import pytest

from dev.simulators.stubs import DEFAULT_STUB, STUBS_BY_WORD, WORDS_BY_DIGIT, Fault, Stub, StubResponse, match_number_stub, match_stub


@pytest.mark.parametrize(
    ("text", "script"),
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
        # words that only begin like one of the table
        ("bouncer@example.org", DEFAULT_STUB),
        ("slow-motion@example.org", DEFAULT_STUB),
        ("fail_over@example.org", DEFAULT_STUB),
        ("my-bounce@example.org", DEFAULT_STUB),
        ("reject-12345@example.org", DEFAULT_STUB),
    ],
)
def test_script_of(text: str, script: Stub) -> None:
    assert match_stub(text) == script


@pytest.mark.parametrize(
    ("number", "script"),
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
        ("+150055511", DEFAULT_STUB),
        ("+1500555110²", DEFAULT_STUB),
    ],
)
def test_script_of_number(number: str, script: Stub) -> None:
    assert match_number_stub(number) == script


def test_every_digit_stands_for_a_word() -> None:
    assert set(WORDS_BY_DIGIT.values()) <= set(STUBS_BY_WORD)
