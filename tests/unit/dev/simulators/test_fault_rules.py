"""Faults that are switched on: which requests they change, how, and until when."""

import msgspec
import pytest

from dev.simulators.callback_script import CallbackScript
from dev.simulators.fault_rules import MAX_RULES, FaultRequest, FaultRule, FaultRules
from dev.simulators.latency import Latency
from dev.simulators.stubs import DEFAULT_STUB, Fault, Stub, StubResponse

NOW = 1_760_000_000.0
ACCOUNTS = ("AC1", "SK1")


def select_many(rule: FaultRule, count: int) -> list[bool]:
    """What the rule decides about so many requests to Twilio."""
    return [rule.select("twilio", ACCOUNTS) for _ in range(count)]


def test_a_fault_ends_by_itself() -> None:
    rules = FaultRules()
    rules.add(FaultRequest("twilio", seconds=120.0, status=503), NOW)
    assert rules.find("twilio", ACCOUNTS, NOW + 119.9) is not None
    assert rules.find("twilio", ACCOUNTS, NOW + 120.0) is None
    assert not rules.rules


def test_a_fault_concerns_its_provider_or_all() -> None:
    rules = FaultRules()
    rules.add(FaultRequest("fcm", status=503), NOW)
    assert rules.find("twilio", ACCOUNTS, NOW) is None
    rules.add(FaultRequest("all", connection="reset"), NOW)
    assert rules.find("twilio", ACCOUNTS, NOW) is not None


@pytest.mark.parametrize(("key", "is_found"), [("", True), ("AC1", True), ("SK", True), ("AC2", False), ("C1", False)])
def test_a_key_is_the_beginning_of_an_account_or_credential(key: str, is_found: bool) -> None:
    rules = FaultRules()
    rules.add(FaultRequest("twilio", key=key, status=503), NOW)
    assert (rules.find("twilio", ACCOUNTS, NOW) is not None) == is_found


def test_the_newest_fault_that_changes_a_request_counts() -> None:
    rules = FaultRules()
    rules.add(FaultRequest("twilio", status=500), NOW)
    rules.add(FaultRequest("twilio", status=503, ratio=0.5), NOW)
    statuses = {rule.request.status for _ in range(20) if (rule := rules.find("twilio", ACCOUNTS, NOW))}
    assert statuses == {500, 503}


def test_the_same_seed_chooses_the_same_requests() -> None:
    request = FaultRequest("twilio", status=503, ratio=0.3)
    first, second, other = (FaultRule(1, each, NOW) for each in (request, request, msgspec.structs.replace(request, seed=2)))
    decisions = select_many(first, 1000)
    assert decisions == select_many(second, 1000) != select_many(other, 1000)
    assert 250 < sum(decisions) < 350
    assert (first.matched, first.changed) == (1000, sum(decisions))


@pytest.mark.parametrize(
    ("request_", "stub"),
    [
        (FaultRequest("all", status=503), Stub(StubResponse.FAIL, status=503)),
        (FaultRequest("all", status=429, retry_after="60"), Stub(StubResponse.THROTTLE, status=429, retry_after="60")),
        (FaultRequest("all", connection="hang"), Stub(fault=Fault.HANG)),
        (FaultRequest("all", latency="uniform:1s-2s"), Stub(latency=Latency("uniform", 1.0, 2.0))),
        (FaultRequest("all", status=500, connection="truncate"), Stub(StubResponse.FAIL, status=500, fault=Fault.TRUNCATE)),
    ],
)
def test_what_a_fault_does_to_a_stub(request_: FaultRequest, stub: Stub) -> None:
    script = CallbackScript(wait=5.0)
    assert FaultRule(1, request_, NOW).change_stub(DEFAULT_STUB._replace(script=script)) == stub._replace(script=script)


@pytest.mark.parametrize("fields", [{}, {"latency": "soon"}, {"retry_after": "60"}, {"retry_after": "60", "connection": "drop"}])
def test_a_fault_that_says_nothing_is_an_error(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        FaultRules().add(FaultRequest("twilio", **fields), NOW)  # type: ignore[arg-type]


def test_the_number_of_faults_is_limited() -> None:
    rules = FaultRules()
    for _ in range(MAX_RULES):
        rules.add(FaultRequest("twilio", status=503), NOW)
    with pytest.raises(ValueError, match="switch some off"):
        rules.add(FaultRequest("twilio", status=503), NOW)
    assert rules.remove(7, NOW) == 1
    assert rules.remove(7, NOW) == 0
    assert rules.remove(None, NOW) == MAX_RULES - 1


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"provider":"smtp","status":503}',
        b'{"provider":"fcm","status":200}',
        b'{"provider":"fcm","status":503,"ratio":0}',
        b'{"provider":"fcm","status":503,"seconds":0}',
        b'{"provider":"fcm","status":503,"retry_after":"1\\r\\nX: y"}',
        b'{"provider":"fcm","connection":"explode"}',
        b'{"provider":"fcm","status":503,"colour":"red"}',
    ],
)
def test_a_body_that_is_no_fault(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=FaultRequest)
