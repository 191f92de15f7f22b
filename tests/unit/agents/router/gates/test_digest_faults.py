"""What goes wrong while notifications are gathered costs these notifications, and not the worker."""

import asyncio

import pytest
from msgspec.structs import replace

from agents.router.gates import digest
from tests.unit.agents.router.digest_harness import build_alert, build_harness, list_scheduled, read_texts, release


@pytest.mark.parametrize("name", ["find_join", "join_digest"])
async def test_an_unexpected_error_makes_a_dead_letter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    harness = build_harness()
    monkeypatch.setattr(digest, name, fail)
    await harness.route(build_alert(1))
    assert harness.last_state == ("dead", "unexpected_error")


async def test_a_rule_that_is_deleted_while_its_notifications_are_parked_makes_dead_letters() -> None:
    harness = build_harness()
    harness.profiles.failures_left = 1

    async def delete_rule(seconds: float) -> None:
        harness.policies.policy = replace(harness.policies.policy, rules={}, version=2)
        await asyncio.sleep(0)

    harness.sleep = delete_rule  # type: ignore[method-assign]  # before the parked notification is tried again
    await harness.route(build_alert(1))
    assert harness.last_state == ("dead", "unknown_type")


async def test_each_topic_has_a_digest_of_its_own_so_that_none_waits_behind_a_lower_priority() -> None:
    harness = build_harness()
    await harness.route(build_alert(1), topic="notifications.low")
    await harness.route(build_alert(2), topic="notifications.high")
    assert [scheduled.target_topic for scheduled in list_scheduled(harness)] == ["notifications.low", "notifications.high"]
    for number in range(2):
        await release(harness, number)
    assert sorted(read_texts(harness)) == [("1 alerts", [1]), ("1 alerts", [2])]
