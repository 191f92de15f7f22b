"""Users of a project: what their notifications name without a project is the project's, and nothing is looked up in another one."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents.router.compiled_policy import CompiledPolicy
from agents.router.gates.rule import OTHER_PROJECT, UNKNOWN_TYPE
from agents.router.simulation import PolicySimulation
from schemas.ids import compute_partition
from schemas.policy import DigestPolicy, Policy, RateLimit, Rule, Template
from schemas.ports import RecordedNotification
from schemas.profile import Profile
from schemas.simulation import SimulatedResult
from tests.unit.agents.router.harness import (
    NOW,
    PARTITIONS,
    USER_ID,
    RouterHarness,
    build_notification,
    build_record,
    build_release,
    encode_value,
)

ADA = "@acme/u-1"
RULES = [
    Rule("news", "marketing", "low", ("email",), template="welcome"),
    Rule("order", "transactional", "low", ("email",)),
    Rule("@acme/order", "transactional", "low", ("email",), template="@acme/welcome", over_limit="hold", version=7),
    Rule("@acme/build", "transactional", "low", ("email",), template="@acme/welcome", digest=DigestPolicy(window=60)),
    Rule("@umbrella/order", "transactional", "low", ("email",), template="@umbrella/welcome"),
]
TEMPLATES = [Template(f"{prefix}welcome", 1, "email", "default", prefix or "plain", "text") for prefix in ("", "@acme/", "@umbrella/")]
POLICY = Policy(
    {rule.type: rule for rule in RULES},
    (*TEMPLATES, Template("@acme/other", 1, "email", "default", "other", "text")),
    (RateLimit("email", 1, 60), RateLimit("email", 2, 60, project="acme")),
    projects=frozenset({"acme", "umbrella"}),
)


def build_harness(policy: Policy = POLICY) -> RouterHarness:
    """A router that knows a user of each project, and one whose id only looks like one's."""
    harness = RouterHarness(policy)
    for user_id in (ADA, "@umbrella/u-1", "@nobody/u-1", USER_ID):
        harness.profiles.profiles[user_id] = Profile(user_id, True, {"email": ["ada@example.org"]})
    return harness


async def route(harness: RouterHarness, **fields: Any) -> None:
    """Route a notification on the partition of its user; each has an id of its own."""
    value = build_notification(**{"id": None, "user_id": ADA, "data": {}, **fields})
    user_id, offset = value["user_id"], len(harness.decided_events)
    partition = compute_partition(user_id, PARTITIONS)
    await harness.route(build_record(encode_value(value), offset, int(harness.now * 1000), user_id.encode()), partition=partition)


def get_subjects(harness: RouterHarness) -> list[Any]:
    """The subjects of what was sent."""
    return [delivery.content.subject for delivery in harness.deliveries]  # type: ignore[union-attr]


@pytest.mark.parametrize("type_", ["order", "@acme/order"])
@pytest.mark.parametrize(("template", "subject"), [(None, "@acme/"), ("other", "other"), ("@acme/other", "other")])
async def test_a_producer_qualifies_the_user_only(type_: str, template: str | None, subject: str) -> None:
    harness = build_harness()
    await route(harness, type=type_, template=template)
    (event,) = harness.decided_events
    assert (event.state, event.type, event.user_id) == ("routed", "@acme/order", ADA)
    assert harness.get_entry("rule").inputs["rule"] == "@acme/order@7"
    assert get_subjects(harness) == [subject]


async def test_nothing_falls_back_to_the_default_project() -> None:
    harness = build_harness()
    await route(harness, type="news")
    assert harness.last_state == ("dead", UNKNOWN_TYPE)
    await route(harness, type="order", template="welcome", user_id="@umbrella/u-1")
    assert get_subjects(harness) == ["@umbrella/"]
    rules = [Rule("@acme/bare", "transactional", "low", ("email",)), *RULES]
    harness = build_harness(replace(POLICY, rules={rule.type: rule for rule in rules}))
    await route(harness, type="bare")
    assert harness.last_state == ("dead", "unknown_template")


@pytest.mark.parametrize(
    ("fields", "path", "names"),
    [
        ({"type": "@umbrella/order"}, "$.type", ("acme", "umbrella")),
        ({"type": "order", "template": "@umbrella/welcome"}, "$.template", ("acme", "umbrella")),
        ({"user_id": USER_ID, "type": "@acme/order"}, "$.type", ("the default project", "acme")),
        ({"user_id": USER_ID, "type": "news", "template": "@acme/other"}, "$.template", ("the default project", "acme")),
        ({"user_id": "@nobody/u-1", "type": "@acme/order"}, "$.type", ("the default project", "acme")),
        ({"type": "@nobody/order"}, "$.type", ("acme", "the default project")),
    ],
)
async def test_a_record_names_one_project(fields: dict[str, Any], path: str, names: tuple[str, str]) -> None:
    harness = build_harness()
    await route(harness, type="order")  # the plan of the type that is named is known already
    await route(harness, **fields)
    assert harness.last_state == ("dead", OTHER_PROJECT)
    (dead,) = harness.get_records("notifications.dlq")
    error = dict(dead.headers)["error"].decode()
    assert all(name in error for name in names)
    assert error.endswith(f"at {path}")


async def test_an_id_of_no_project_is_the_default_ones() -> None:
    harness = build_harness()
    await route(harness, user_id="@nobody/u-1", type="news")
    assert get_subjects(harness) == ["plain"]
    harness = build_harness(replace(POLICY, projects=frozenset()))
    await route(harness, type="news", template="welcome")
    assert get_subjects(harness) == ["plain"]
    harness = build_harness(replace(POLICY, projects=None))  # an older file: what looks like a project may be one
    await route(harness, user_id="@nobody/u-1", type="news")
    assert harness.last_state == ("dead", UNKNOWN_TYPE)


async def test_a_project_has_rate_limits_of_its_own() -> None:
    harness = build_harness()
    for user_id in (ADA, ADA, ADA, USER_ID, USER_ID, "@umbrella/u-1", "@umbrella/u-1"):
        await route(harness, user_id=user_id, type="order", template="welcome")
    states = [(event.user_id, event.state) for event in harness.decided_events]
    assert states == [
        (ADA, "routed"),
        (ADA, "routed"),
        (ADA, "held"),
        (USER_ID, "routed"),
        (USER_ID, "rejected"),
        ("@umbrella/u-1", "routed"),
        ("@umbrella/u-1", "routed"),
    ]
    assert harness.get_entry("rate_limit").reason == "no_limits"


async def test_what_was_held_or_gathered_comes_back_in_its_project() -> None:
    harness = build_harness()
    await route(harness, type="order", send_at=NOW + 600)
    await release(harness)
    await route(harness, type="build")
    await release(harness)
    assert [(event.state, event.type) for event in harness.decided_events] == [
        ("held", "@acme/order"),
        ("routed", "@acme/order"),
        ("held", "@acme/build"),
        ("merged", "@acme/build"),
        ("routed", "@acme/build"),
    ]
    assert get_subjects(harness) == ["@acme/", "@acme/"]


async def release(harness: RouterHarness) -> None:
    """Give back what was held last, on the partition of its user."""
    record = next(record for record in reversed(harness.committer.records) if record.topic.startswith("scheduled."))
    one = build_release(record)
    harness.now = max(harness.now, one.timestamp / 1000)
    topic = record.topic.replace("scheduled.", "notifications.")
    await harness.route(one, topic=topic, partition=compute_partition(ADA, PARTITIONS))


async def test_a_replay_with_its_type_qualified_is_the_same_notification() -> None:
    harness = build_harness()
    for type_ in ("order", "@acme/order"):
        await route(harness, type=type_, idempotency_key="k")
    assert harness.last_state == ("rejected", "duplicate")


def test_a_trial_judges_it_as_the_router_does() -> None:
    simulation = PolicySimulation(CompiledPolicy(POLICY), PARTITIONS, "")
    value = encode_value(build_notification(user_id=ADA, type="order", data={}))
    partition = compute_partition(ADA, PARTITIONS)
    one = RecordedNotification("notifications.low", partition, build_record(value, key=ADA.encode()))
    (state,), users = simulation.prepare([one])
    result = simulation.decide(state, {user: Profile(user, True, {"email": ["ada@example.org"]}) for user in users})
    assert isinstance(result, SimulatedResult)
    assert (result.state, state.notification.type) == ("routed", "@acme/order")
