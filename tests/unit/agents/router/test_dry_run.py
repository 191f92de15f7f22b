"""A dry run decides what the router decides, for each gate, and leaves nothing behind."""

from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.router.compiled_policy import CompiledPolicy
from agents.router.dry_run import TOO_MANY_ROWS, DryRecord, DryRun, DryRunResult, UserTables, find_cut_tables, list_needed_tables
from schemas.delivery import Delivery
from schemas.policy import DigestPolicy, Policy, RateLimit, Rule, Template
from schemas.profile import ActiveSuppression, Profile, QuietHours
from schemas.user_rows import MAX_ROWS, UserRow
from tables import digests, idempotency, rate_windows
from tests.unit.agents.router.builders import RULES, TEMPLATES
from tests.unit.agents.router.harness import (
    NOW,
    PARTITIONS,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_policy,
    encode_value,
    make_notification_id,
)

TOPIC = "notifications.medium"
DEFINITIONS = {"idempotency": idempotency.TABLE, "rate_windows": rate_windows.TABLE, "digests": digests.TABLE}
ADA = Profile(USER_ID, True, {"email": ["ada@example.org"], "sms": ["+12025550101"], "push": ["phone", "tablet"]}, "de-AT", "Europe/Vienna")
GATHERED = Rule("gathered", "transactional", None, ("email",), template="shipped", digest=DigestPolicy(window=600, max_count=2))
OFFER = Rule("offer", "marketing", "low", ("email", "push"), template="shipped", consent="opt_out")
SOME = (
    *RULES,
    GATHERED,
    OFFER,
    Rule("escalated", "transactional", None, ("push", "email"), "escalate", "shipped", escalate_after=60),
    Rule("only.large", "transactional", None, ("email",), template="shipped", condition="data.order > 99"),
    Rule("waits", "marketing", None, ("email",), template="shipped", consent="none", quiet_hours="hold"),
    Rule("limited", "transactional", None, ("email",), template="shipped", over_limit="hold"),
)
LIMITS = (RateLimit("sms", 2, 60), RateLimit("email", 3, 60), RateLimit("", 5, 60))
POLICY = build_policy(SOME, limits=LIMITS)


class Situation(NamedTuple):
    """A notification after others, and how the user is; `expected` is the state and the reason that the router gives it."""

    fields: dict[str, Any]
    expected: tuple[str, str]
    profile: Profile = ADA
    before: tuple[dict[str, Any], ...] = ()
    policy: Policy = POLICY


def replace(**fields: Any) -> Profile:
    return msgspec.structs.replace(ADA, **fields)


ALL_DAY = QuietHours("00:00", "23:59")
SITUATIONS = {
    "sent": Situation({}, ("routed", "")),
    "one channel": Situation({"type": "account.otp", "data": {"code": "1"}}, ("routed", "")),
    "in escalation": Situation({"type": "escalated"}, ("routed", "")),
    "unknown type": Situation({"type": "no.such"}, ("dead", "unknown_type")),
    "condition": Situation({"type": "only.large"}, ("rejected", "condition")),
    "expired": Situation({"expires_at": NOW - 60}, ("rejected", "expired")),
    "scheduled": Situation({"send_at": NOW + 3600}, ("held", "send_at")),
    "unknown user": Situation({}, ("rejected", "unknown_user"), Profile(USER_ID, known=False)),
    "no address": Situation({}, ("rejected", "no_address"), replace(addresses={})),
    "opted out": Situation({"type": "offer"}, ("rejected", "opted_out"), replace(choices={"marketing/": "out"})),
    "opted out of one": Situation({"type": "offer"}, ("routed", ""), replace(choices={"marketing/email": "out"})),
    "suppressed": Situation(
        {"channels": ["email"], "category": "marketing"},
        ("rejected", "suppressed"),
        replace(suppressions=[ActiveSuppression("email", "ada@example.org", "", "hard_bounce")]),
        policy=build_policy([msgspec.structs.replace(OFFER, type="order.shipped")]),
    ),
    "quiet": Situation({"type": "waits"}, ("held", "quiet_hours"), replace(quiet_hours=ALL_DAY)),
    "quiet until it expires": Situation(
        {"type": "waits", "expires_at": NOW + 60}, ("rejected", "quiet_hours"), replace(quiet_hours=ALL_DAY)
    ),
    "limited": Situation({}, ("routed", ""), before=({"channels": ["email"]},) * 3),  # by push only
    "over the limit": Situation({"channels": ["email"]}, ("rejected", "rate_limited"), before=({"channels": ["email"]},) * 3),
    "over all limits": Situation({}, ("rejected", "rate_limited"), before=({},) * 5),
    "waits for room": Situation({"type": "limited"}, ("held", "rate_limited"), before=({"channels": ["email"]},) * 3),
    "duplicate": Situation({"idempotency_key": "k"}, ("rejected", "duplicate"), before=({"idempotency_key": "k"},)),
    "other content": Situation(
        {"idempotency_key": "k", "data": {"order": 2, "name": "Eve"}},
        ("rejected", "duplicate_with_other_content"),
        before=({"idempotency_key": "k"},),
    ),
    "first of a digest": Situation({"type": "gathered"}, ("merged", "digest")),
    "second of a digest": Situation({"type": "gathered"}, ("merged", "digest"), before=({"type": "gathered"},)),
    "third of a digest": Situation({"type": "gathered"}, ("merged", "digest"), before=({"type": "gathered"},) * 2),
    "no digest": Situation({"type": "gathered"}, ("routed", ""), replace(digests={"": "off"})),
    "data missing": Situation({"data": {}}, ("dead", "missing_variable")),
    "no template": Situation({"template": "none"}, ("dead", "unknown_template")),
    "too long": Situation(
        {"type": "account.otp", "channels": ["sms"], "data": {"code": "x" * 2000}},
        ("dead", "provider_limit"),
    ),
}


async def prime(situation: Situation) -> RouterHarness:
    """A router that has decided what came before."""
    harness = RouterHarness(situation.policy)
    harness.profiles.profiles[USER_ID] = situation.profile
    for number, fields in enumerate(situation.before, 2):
        await harness.route(build_notification(id=make_notification_id(number), **fields))
    return harness


def show_rows(harness: RouterHarness) -> dict[str, list[UserRow]]:
    """The rows of the user as a worker shows them."""
    prefixes = {name: definition.encode_user_prefix(USER_ID) for name, definition in DEFINITIONS.items()}
    tables = {name: getattr(harness, name).list_rows(USER_PARTITION, prefix, MAX_ROWS) for name, prefix in prefixes.items()}
    return {name: [UserRow(key.removeprefix(prefixes[name]), row) for key, row in rows] for name, rows in tables.items()}


def run(situation: Situation, tables: UserTables, value: bytes | None) -> DryRunResult:
    dry_run = DryRun(CompiledPolicy(situation.policy), PARTITIONS, "")
    state, user_ids = dry_run.prepare(TOPIC, USER_PARTITION, DryRecord(round(NOW * 1000), USER_ID.encode(), value))
    return dry_run.decide(state, {USER_ID: situation.profile} if USER_ID in user_ids else {}, tables)


@pytest.mark.parametrize("name", SITUATIONS)
async def test_the_decision_is_that_of_the_router(name: str) -> None:
    situation = SITUATIONS[name]
    harness = await prime(situation)
    value = encode_value(build_notification(**situation.fields))
    before = show_rows(harness)
    result = run(situation, before, value)
    assert show_rows(harness) == before
    sent_before = len(harness.deliveries)
    await harness.route(value)
    event = next(event for event in reversed(harness.decided_events) if event.id == make_notification_id(1))
    assert (event.state, event.reason) == situation.expected
    assert result.event == event
    assert result.deliveries == harness.deliveries[sent_before:]


@given(
    st.lists(st.sampled_from(["order.shipped", "account.otp", "gathered", "escalated", "offer"]), max_size=8),
    st.sampled_from(["order.shipped", "account.otp", "gathered", "escalated", "offer", "limited"]),
    st.sampled_from([None, "a"]),
)
async def test_whatever_came_before_the_decision_is_that_of_the_router(before: list[str], type_: str, key: str | None) -> None:
    data = {"order": 17, "name": "Ada", "code": "1"}
    earlier = tuple({"type": one, "data": data, "idempotency_key": "a" if number == 0 else None} for number, one in enumerate(before))
    situation = Situation({"type": type_, "data": data, "idempotency_key": key}, ("", ""), before=earlier)
    harness = await prime(situation)
    value = encode_value(build_notification(**situation.fields))
    result = run(situation, show_rows(harness), value)
    await harness.route(value)
    event = next(event for event in reversed(harness.decided_events) if event.id == make_notification_id(1))
    assert result.event == event


async def test_what_was_decided_before_has_no_decision() -> None:
    situation = Situation({"idempotency_key": "k"}, ("", ""))
    harness = await prime(situation)
    value = encode_value(build_notification(**situation.fields))
    await harness.route(value)
    result = run(situation, show_rows(harness), value)
    assert (result.event, result.deliveries, result.rule) == (None, [], "order.shipped@1")


def test_a_result_has_what_the_decided_event_does_not_say() -> None:
    situation = Situation({"type": "escalated"}, ("", ""))
    result = run(situation, {}, encode_value(build_notification(**situation.fields)))
    assert (result.rule, result.next_channel_at, result.gates_not_reached) == ("escalated@1", NOW + 60, [])
    assert result.templates == {"push": "shipped@7 default"}
    assert [isinstance(one, Delivery) for one in result.deliveries] == [True, True]  # the phone and the tablet
    stopped = run(Situation({}, ("", ""), replace(addresses={})), {}, encode_value(build_notification()))
    assert stopped.gates_not_reached == ["consent", "digest", "quiet_hours", "rate_limit", "channels", "rendering"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "partner.order"}, ["rate_windows"]),
        ({"idempotency_key": "k"}, ["idempotency", "rate_windows"]),
        ({"type": "gathered"}, ["rate_windows", "digests"]),
        ({"type": "no.such"}, []),
    ],
)
def test_only_tables_that_can_matter_are_needed(fields: dict[str, Any], expected: list[str]) -> None:
    dry_run = DryRun(CompiledPolicy(POLICY), PARTITIONS, "")
    state, _ = dry_run.prepare(TOPIC, USER_PARTITION, DryRecord(round(NOW * 1000), None, encode_value(build_notification(**fields))))
    assert list_needed_tables(state, has_own_id=False) == expected
    assert "idempotency" in list_needed_tables(state, has_own_id=True)
    many = [UserRow(b"%d" % number, b"") for number in range(MAX_ROWS)]
    assert find_cut_tables(expected, {"idempotency": many}) == ({"idempotency": TOO_MANY_ROWS} if "idempotency" in expected else {})


def test_an_error_of_our_own_is_part_of_the_result() -> None:
    broken = (*TEMPLATES, Template("broken", 1, "email", "default", "s", "{{ 1 / 0 }}"))
    situation = Situation({"template": "broken", "channels": ["email"]}, ("", ""), policy=build_policy(SOME, broken))
    result = run(situation, {}, encode_value(build_notification(**situation.fields)))
    assert result.event is not None
    assert (result.event.state, result.event.reason) == ("dead", "template_error")
