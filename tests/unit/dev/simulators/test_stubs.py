import pytest

from dev.simulators.stubs import DEFAULT_STUB, STUBS_BY_WORD, WORDS_BY_DIGIT, Fault, Stub, StubResponse, match_number_stub, match_stub


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
        # not one of the words, although they begin like one
        ("bouncer@example.org", DEFAULT_STUB),
        ("slow-motion@example.org", DEFAULT_STUB),
        ("fail_over@example.org", DEFAULT_STUB),
        ("my-bounce@example.org", DEFAULT_STUB),
        ("reject-12345@example.org", DEFAULT_STUB),
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
        ("+150055511", DEFAULT_STUB),
        ("+1500555110²", DEFAULT_STUB),
    ],
)
def test_the_stub_of_a_number(number: str, stub: Stub) -> None:
    assert match_number_stub(number) == stub


def test_every_digit_has_a_word() -> None:
    assert set(WORDS_BY_DIGIT.values()) <= set(STUBS_BY_WORD)
