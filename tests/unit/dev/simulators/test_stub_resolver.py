import pytest

from dev.simulators.protocol import DeliveryTarget, RequestLogEntry, ValidRequest
from dev.simulators.stub_resolver import StubResolver
from dev.simulators.stubs import DEFAULT_STUB, Stub, match_stub


def build_request(delivery: str, address: str) -> ValidRequest:
    """A request for one delivery to that address."""
    return ValidRequest([DeliveryTarget(delivery, address)], match_stub(address))


def resolve_stubs(tries: StubResolver, *requests: ValidRequest) -> list[Stub]:
    """The scripts in force for requests of SendGrid, one after the other."""
    return [tries.resolve_stub("sendgrid", request) for request in requests]


def test_a_limited_script_ends_for_each_delivery_by_itself() -> None:
    first, other = build_request("d-1", "throttle-2@x.org"), build_request("d-2", "throttle-2@x.org")
    throttled = first.stub
    assert resolve_stubs(StubResolver(), first, other, first, first, other, other) == [
        throttled,
        throttled,
        throttled,
        DEFAULT_STUB,
        throttled,
        DEFAULT_STUB,
    ]


def test_without_a_delivery_the_address_is_counted() -> None:
    request = build_request("", "fail-1@x.org")
    assert resolve_stubs(StubResolver(), request, request) == [request.stub, DEFAULT_STUB]


def test_a_script_without_limit_stays() -> None:
    request = build_request("d-1", "fail@x.org")
    assert resolve_stubs(StubResolver(), *[request] * 5) == [request.stub] * 5


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
    tries = StubResolver()
    tries.replay_entry(RequestLogEntry(1, 1.0, provider, "d-1", address, 500, ""))
    limited = ValidRequest([DeliveryTarget("d-1", address)], match_stub("fail-1"))
    assert tries.resolve_stub(provider, limited) == DEFAULT_STUB
