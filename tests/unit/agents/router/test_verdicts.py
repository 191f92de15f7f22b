"""What becomes of a notification after each verdict that a gate can return."""

from collections.abc import Callable

import msgspec
import pytest

from agents.router import evaluate
from agents.router.gates import order
from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.order import BATCH_GATES, GATES
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Hold, Merge, Verdict
from schemas.ids import is_id
from schemas.scheduled import Scheduled
from tests.unit.agents.router.harness import NOW, USER_ID, USER_PARTITION, RouterHarness, build_notification, build_record, encode_value

INTO = "ntf_into"


def insert_gate(monkeypatch: pytest.MonkeyPatch, check: Callable[[RoutingState, GateContext], Verdict]) -> None:
    """Insert a gate `quiet_hours` before the gate rate_limit."""
    gate = Gate("quiet_hours", check, lambda state: encode_pass("quiet_hours"))
    for module, name, gates in ((evaluate, "BATCH_GATES", BATCH_GATES), (order, "GATES", GATES)):
        index = [old.name for old in gates].index("rate_limit")
        monkeypatch.setattr(module, name, (*gates[:index], gate, *gates[index:]))


async def test_a_held_notification_is_scheduled_with_the_gate_to_resume_at(monkeypatch: pytest.MonkeyPatch) -> None:
    insert_gate(monkeypatch, lambda state, context: Hold(NOW + 60, "quiet_hours", {"until": NOW + 60}))
    harness = RouterHarness(prefix="t1.")
    await harness.route(build_record(encode_value(build_notification(id=None)), offset=9), topic="t1.notifications.low")
    (record,) = harness.get_records("t1.scheduled.low")
    scheduled = msgspec.json.decode(record.value or b"", type=Scheduled)
    assert (record.partition, record.key) == (USER_PARTITION, USER_ID.encode())
    assert (scheduled.due_at, scheduled.resume_count, scheduled.resume_gate) == (NOW + 60, 1, "quiet_hours")
    assert scheduled.target_topic == "t1.notifications.low"
    payload = msgspec.json.decode(bytes(scheduled.payload))
    assert is_id(scheduled.id)
    assert payload == build_notification(id=scheduled.id)


async def test_a_held_notification_is_decided_as_held_and_its_log_ends_at_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    insert_gate(monkeypatch, lambda state, context: Hold(NOW + 60, "quiet_hours", {"until": NOW + 60}))
    harness = RouterHarness()
    await harness.route(build_notification())
    await harness.route(build_notification())
    (event,) = harness.decided_events  # the second one is a replay
    last = event.decision_log[-1]
    assert (event.state, event.reason, event.deliveries) == ("held", "quiet_hours", [])
    assert (last.gate, last.verdict, last.inputs) == ("quiet_hours", "hold", {"until": NOW + 60})
    assert harness.routed_batches[0].states == {("held", "quiet_hours"): 1}
    assert not harness.rate_windows.rows.get(USER_PARTITION)


async def test_a_held_notification_whose_json_cannot_be_scheduled_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    insert_gate(monkeypatch, lambda state, context: Hold(NOW + 60, "quiet_hours"))
    harness = RouterHarness()
    value = (encode_value(build_notification()) or b"").replace(b'"user_id"', b'"x\xff":1,"user_id"')
    await harness.route(value)
    assert harness.last_state == ("dead", "undecodable")
    assert [record.topic for record in harness.committer.records] == ["notifications.dlq", "notifications.status"]


async def test_a_merged_notification_names_the_one_it_is_part_of(monkeypatch: pytest.MonkeyPatch) -> None:
    insert_gate(monkeypatch, lambda state, context: Merge(INTO, "digest"))
    harness = RouterHarness()
    await harness.route(build_notification())
    (event,) = harness.decided_events
    assert (event.state, event.reason, event.duplicate_of) == ("merged", "digest", INTO)
    assert event.decision_log[-1].verdict == "merge"
    assert [record.topic for record in harness.committer.records] == ["notifications.status"]


async def test_a_new_gate_that_passes_is_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    insert_gate(monkeypatch, lambda state, context: PASS)
    harness = RouterHarness()
    await harness.route(build_notification())
    assert "quiet_hours" in [entry.gate for entry in harness.decided_events[0].decision_log]
    assert harness.last_state == ("routed", "")
