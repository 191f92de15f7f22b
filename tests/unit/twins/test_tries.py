import pytest

from twins.scripts import PLAIN, Script, script_of
from twins.tries import Tries
from twins.values import Asked, Entry, Target


def asked(delivery: str, address: str) -> Asked:
    """A request for one delivery to that address."""
    return Asked([Target(delivery, address)], script_of(address))


def scripts(tries: Tries, *requests: Asked) -> list[Script]:
    """The scripts in force for requests of SendGrid, one after the other."""
    return [tries.current("sendgrid", request) for request in requests]


def test_a_limited_script_ends_for_each_delivery_by_itself() -> None:
    first, other = asked("d-1", "throttle-2@x.org"), asked("d-2", "throttle-2@x.org")
    throttled = first.script
    assert scripts(Tries(), first, other, first, first, other, other) == [throttled, throttled, throttled, PLAIN, throttled, PLAIN]


def test_without_a_delivery_the_address_is_counted() -> None:
    request = asked("", "fail-1@x.org")
    assert scripts(Tries(), request, request) == [request.script, PLAIN]


def test_a_script_without_limit_stays() -> None:
    request = asked("d-1", "fail@x.org")
    assert scripts(Tries(), *[request] * 5) == [request.script] * 5


@pytest.mark.parametrize(
    ("provider", "address"),
    [
        ("sendgrid", "fail-1@x.org"),
        ("twilio", "+15005551201"),
        ("fcm", "fail-1:device"),
        ("webhook", "http://127.0.0.1:4010/hooks/fail-1/u"),
    ],
)
def test_what_the_ledger_holds_has_been_tried(provider: str, address: str) -> None:
    tries = Tries()
    tries.replay(Entry(1, 1.0, provider, "d-1", address, 500, ""))
    limited = Asked([Target("d-1", address)], script_of("fail-1"))
    assert tries.current(provider, limited) == PLAIN
