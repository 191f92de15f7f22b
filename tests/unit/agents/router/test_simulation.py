"""The simulation of a policy decides what the router decides, and leaves out what it cannot judge."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.router.compiled_policy import CompiledPolicy
from agents.router.gates.decode import REPARTITION_HEADER
from agents.router.simulation import PolicySimulation, count_deliveries
from schemas.enums import State
from schemas.policy import DigestPolicy, Policy, RateLimit, Rule
from schemas.ports import RecordedNotification
from schemas.scheduled import RESUME_COUNT_HEADER, RESUME_GATE_HEADER
from schemas.simulation import SimulatedResult
from tests.unit.agents.router.builders import RULES
from tests.unit.agents.router.harness import (
    NOW,
    PARTITIONS,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    make_notification_id,
)

TOPIC = "notifications.medium"
GATHERED = Rule("gathered", "transactional", None, ("email",), template="shipped", digest=DigestPolicy(window=600, max_count=2))
ESCALATED = Rule("escalated", "transactional", None, ("push", "email"), "escalate", "shipped", escalate_after=60)
FIELDS = st.fixed_dictionaries(
    {
        "number": st.integers(1, 6),
        "type": st.sampled_from(["order.shipped", "account.otp", "partner.order", "gathered", "escalated", "unknown"]),
        "idempotency_key": st.sampled_from([None, "a", "b"]),
        "data": st.sampled_from([{"order": 1, "name": "Ada", "code": "1"}, {}]),
        "send_at": st.sampled_from([None, NOW + 60]),
        "expires_at": st.sampled_from([None, NOW - 60]),
    }
)


def simulate(policy: Policy, records: list[Any], harness: RouterHarness, partition: int = USER_PARTITION) -> list[Any]:
    """The results of these records, and of each its deliveries."""
    simulation = PolicySimulation(CompiledPolicy(policy), PARTITIONS, "")
    states, _ = simulation.prepare(RecordedNotification(TOPIC, partition, record) for record in records)
    return [simulation.decide(state, harness.profiles.profiles) for state in states]


def build_records(notifications: list[dict[str, Any]]) -> list[Any]:
    return [build_record(encode_value(notification), offset) for offset, notification in enumerate(notifications)]


@given(st.lists(FIELDS, max_size=12))
async def test_the_results_are_those_of_the_router(drawn: list[dict[str, Any]]) -> None:
    notifications = [
        build_notification(**{**fields, "id": make_notification_id(fields["number"]), "number": None, "user_id": "u-42"})
        for fields in drawn
    ]
    policy = build_policy([*RULES, GATHERED, ESCALATED], limits=[RateLimit("sms", 2, 60), RateLimit("email", 3, 60)])
    harness = RouterHarness(policy)
    await harness.route(*notifications)
    results = [result for result in simulate(policy, build_records(notifications), harness) if isinstance(result, SimulatedResult)]
    ids = {notification["id"] for notification in notifications}
    events = [event for event in harness.decided_events if event.id in ids]  # without the digests themselves
    assert [(result.state, result.reason) for result in results] == [(event.state, event.reason) for event in events]
    sent = [channel for result in results for channel in result.channels]
    channels = [ref.channel for event in events for ref in event.deliveries]
    assert list(dict.fromkeys(sent)) == list(dict.fromkeys(channels))


def test_a_result_has_channels_priority_and_templates() -> None:
    harness = RouterHarness()
    policy = build_policy([msgspec.structs.replace(RULES[0], priority="high")])
    simulation = PolicySimulation(CompiledPolicy(policy), PARTITIONS, "")
    (state,), users = simulation.prepare([RecordedNotification(TOPIC, USER_PARTITION, build_record(encode_value(build_notification())))])
    result = simulation.decide(state, harness.profiles.profiles)
    assert isinstance(result, SimulatedResult)
    assert result == SimulatedResult(State.ROUTED, "", "", ("email", "push"), "high", ("shipped@7", "shipped@7"))
    assert (users, count_deliveries(state, result)) == (["u-42"], {"email": 1, "push": 2})


@pytest.mark.parametrize(
    ("headers", "partition", "expected"),
    [
        ([(RESUME_COUNT_HEADER, b"1"), (RESUME_GATE_HEADER, b"schedule")], USER_PARTITION, "resumed"),
        ([], (USER_PARTITION + 1) % PARTITIONS, "repartitioned"),
        ([(REPARTITION_HEADER, b"1")], USER_PARTITION, SimulatedResult(State.REJECTED, "rule", "condition")),
    ],
)
def test_what_cannot_be_judged_is_left_out(headers: Any, partition: int, expected: Any) -> None:
    policy = build_policy([Rule("order.shipped", "transactional", None, ("email",), template="shipped", condition="data.order > 99")])
    record = build_record(encode_value(build_notification()), headers=headers)
    assert simulate(policy, [record], RouterHarness(), partition) == [expected]


def test_the_second_record_of_an_id_is_a_replay() -> None:
    records = build_records([build_notification(), build_notification()])
    assert simulate(build_policy(), records, RouterHarness())[1] == "replayed"


def test_the_rows_of_digests_outlive_a_batch() -> None:
    harness = RouterHarness()
    simulation = PolicySimulation(CompiledPolicy(build_policy([GATHERED])), PARTITIONS, "")
    numbers = []
    for number in range(5):
        notification = build_notification(id=make_notification_id(number), type="gathered")
        (state,), _ = simulation.prepare([RecordedNotification(TOPIC, USER_PARTITION, build_record(encode_value(notification), number))])
        assert simulation.decide(state, harness.profiles.profiles) == SimulatedResult(State.MERGED, "digest", "digest")
        assert state.join is not None
        numbers.append(state.join.event.number)
    assert numbers == [1, 2, 1, 2, 1]
