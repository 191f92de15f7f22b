"""Decision logs: shared by notifications that are routed alike, and by no others."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.router import decision_log
from agents.router.compiled_policy import CompiledPolicy
from agents.router.decision_log import MAX_CACHED_LOGS
from agents.router.gates.order import BATCH_GATES, GATES, check_gates, check_record
from agents.router.prefetch import collect_row_keys, prepare_states
from agents.router.routing_state import GateContext, RoutingState, StagedRows, build_topic_set
from agents.router.staged_digests import StagedDigests
from agents.router.verdict import PASS
from schemas.channels import CHANNEL_NAMES
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import (
    NOW,
    PARTITIONS,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    make_notification_id,
)

COMPILED = CompiledPolicy(POLICY)
# on each channel some of them are valid, and some repeat others
texts = st.sampled_from(["a@x.org", "A@X.org", "+12025550101", "+1 202 555 0101", "token", "https://x.org", "HTTPS://x.org/"])
addresses = texts | st.lists(texts, min_size=1, max_size=3)
fields = st.fixed_dictionaries(
    {"to": st.dictionaries(st.sampled_from(CHANNEL_NAMES), addresses, min_size=1)},
    optional={
        "channels": st.lists(st.sampled_from(CHANNEL_NAMES), min_size=1, max_size=3),
        "locale": st.sampled_from(["de", "en", "de-AT"]),
        "type": st.sampled_from(["order.shipped", "account.otp", "partner.order"]),
        "template": st.sampled_from(["shipped", "otp"]),
    },
)


def check_notification(policy: CompiledPolicy, given: dict[str, Any]) -> tuple[RoutingState, bool]:
    """The state of a notification after the gates, and whether it passed them."""
    value = build_notification(data={"order": 1, "name": "Ada", "code": 2}, **given)
    state = RoutingState(build_record(encode_value(value)), build_topic_set("notifications.low", ""), USER_PARTITION, NOW)
    context, failure_limit = GateContext(PARTITIONS), ConsecutiveFailureLimit()
    check_record(state, context, failure_limit)
    prepare_states([state], policy)
    idempotency_keys, window_keys = collect_row_keys([state])
    context.policy, context.profiles = policy, {}
    context.rows = StagedRows(dict.fromkeys(idempotency_keys), dict.fromkeys(window_keys), StagedDigests())
    return state, check_gates(BATCH_GATES, state, context, failure_limit) is PASS


@settings(max_examples=300)
@given(fields)
def test_a_cached_log_equals_the_entries_of_the_gates(given: dict[str, Any]) -> None:
    state, has_passed = check_notification(COMPILED, given)
    if has_passed:
        entries = [msgspec.json.decode(gate.explain(state)) for gate in GATES]
        assert msgspec.json.decode(decision_log.build_routed_log(state))[:-1] == entries


def test_notifications_that_are_routed_alike_share_their_log() -> None:
    one, other = (check_notification(COMPILED, {"to": {"email": "a@x.org", "push": name}})[0] for name in ("p", "q"))
    assert decision_log.build_routed_log(one) is decision_log.build_routed_log(other)


async def test_a_full_window_is_logged_with_its_own_numbers() -> None:
    harness = RouterHarness()
    for number in range(4):
        await harness.route(
            build_notification(
                id=make_notification_id(number), type="account.otp", data={"code": number}, to={"sms": "+12025550101", "email": "a@x.org"}
            )
        )
        harness.now += 1
    assert [harness.get_entry("rate_limit", number).reason for number in range(4)] == ["", "", "some_limited", "some_limited"]


async def test_the_log_of_a_stopped_notification_ends_at_its_gate() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(data={}))
    assert [step.gate for step in harness.decided_events[0].decision_log] == [gate.name for gate in GATES]


def test_the_cache_of_a_plan_is_bounded() -> None:
    policy = CompiledPolicy(build_policy())
    plan = check_notification(policy, {"to": {"email": "a@x.org", "push": "p"}})[0].plan
    assert plan is not None
    plan.decision_logs.update({number: msgspec.Raw() for number in range(MAX_CACHED_LOGS)})
    state, _ = check_notification(policy, {"to": {"email": ["a@x.org", "b@x.org"], "push": "p"}})
    decision_log.build_routed_log(state)
    assert len(plan.decision_logs) == 1


def test_the_log_does_not_hold_the_user() -> None:
    state, _ = check_notification(COMPILED, {"to": {"email": "a@x.org", "push": "p"}})
    assert USER_ID.encode() not in bytes(decision_log.build_routed_log(state))
