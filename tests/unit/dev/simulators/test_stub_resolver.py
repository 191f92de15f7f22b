import pytest

from dev.simulators.protocol import DeliveryTarget, RequestLogEntry, ValidRequest
from dev.simulators.server import build_simulators
from dev.simulators.stub_resolver import StubResolver
from dev.simulators.stubs import DEFAULT_STUB, Stub, match_stub


def build_request(delivery_id: str, address: str) -> ValidRequest:
    """Build a request of one delivery to an address."""
    return ValidRequest([DeliveryTarget(delivery_id, address)], match_stub(address))


def resolve_stubs(resolver: StubResolver, *requests: ValidRequest) -> list[Stub]:
    """Resolve the stubs of SendGrid requests in order."""
    return [resolver.resolve_stub("sendgrid", request) for request in requests]


def test_the_limit_of_a_stub_counts_per_delivery() -> None:
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


def test_without_a_delivery_id_the_limit_counts_per_address() -> None:
    request = build_request("", "fail-1@x.org")
    assert resolve_stubs(StubResolver(), request, request) == [request.stub, DEFAULT_STUB]


def test_a_stub_without_a_limit_applies_to_all_requests() -> None:
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
def test_a_replayed_entry_is_counted(provider: str, address: str) -> None:
    resolver = StubResolver()
    (simulator,) = (simulator for simulator in build_simulators() if simulator.name == provider)
    resolver.replay_entry(RequestLogEntry(1, 1.0, provider, "d-1", address, 500, ""), simulator.find_stub(address))
    limited = ValidRequest([DeliveryTarget("d-1", address)], match_stub("fail-1"))
    assert resolver.resolve_stub(provider, limited) == DEFAULT_STUB


def test_an_expiring_address_is_accepted_a_number_of_times_over_all_deliveries() -> None:
    requests = [build_request(f"d-{number}", "expiring-2:device") for number in range(4)]
    expired = requests[0].stub
    assert resolve_stubs(StubResolver(), *requests) == [DEFAULT_STUB, DEFAULT_STUB, expired, expired]


def test_the_script_of_the_callbacks_outlasts_the_limit() -> None:
    request = build_request("d-1", "fail-1.late-5@x.org")
    assert resolve_stubs(StubResolver(), request, request) == [request.stub, DEFAULT_STUB._replace(script=request.stub.script)]
