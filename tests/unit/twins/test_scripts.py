import pytest

from twins.scripts import DIGITS, PLAIN, WORDS, Act, Fault, Script, script_of, script_of_number


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("a@example.org", PLAIN),
        ("bounce@example.org", Script(Act.BOUNCE)),
        ("Bounce+u17@example.org", Script(Act.BOUNCE)),
        ("throttle-2@example.org", Script(Act.THROTTLE, times=2)),
        ("throttle-2+u-17@example.org", Script(Act.THROTTLE, times=2)),
        ("drop:device-3", Script(fault=Fault.DROP)),
        ("reset-1", Script(fault=Fault.RESET, times=1)),
        ("hang/u-9", Script(fault=Fault.HANG)),
        ("slow@example.org", Script(delay=1.0)),
        ("slow-5@example.org", Script(delay=5.0)),
        # words that only begin like one of the table
        ("bouncer@example.org", PLAIN),
        ("slow-motion@example.org", PLAIN),
        ("fail_over@example.org", PLAIN),
        ("my-bounce@example.org", PLAIN),
        ("reject-12345@example.org", PLAIN),
    ],
)
def test_script_of(text: str, script: Script) -> None:
    assert script_of(text) == script


@pytest.mark.parametrize(
    ("number", "script"),
    [
        ("+4366012345678", PLAIN),
        ("+15005550001", Script(Act.BOUNCE, code=21211)),
        ("+15005550004", Script(Act.UNSUBSCRIBED, code=21610)),
        ("+15005550006", PLAIN),
        ("+15005551100", Script(Act.THROTTLE)),
        ("+15005551102", Script(Act.THROTTLE, times=2)),
        ("+15005551301", Script(fault=Fault.DROP, times=1)),
        ("+15005551703", Script(delay=3.0)),
        ("+15005551900", PLAIN),
        ("+150055511", PLAIN),
        ("+1500555110²", PLAIN),
    ],
)
def test_script_of_number(number: str, script: Script) -> None:
    assert script_of_number(number) == script


def test_every_digit_stands_for_a_word() -> None:
    assert set(DIGITS.values()) <= set(WORDS)
