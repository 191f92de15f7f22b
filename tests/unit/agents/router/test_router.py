"""The router agent: batches, pipelined commits, and waiting for what is unavailable."""

import asyncio

import pytest

from schemas.errors import PartitionFencedError
from schemas.policy import Rule
from schemas.ports import Batch
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import (
    NOW,
    USER_PARTITION,
    FakeBatchHandle,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    iterate,
    make_notification_id,
)

EXPLICIT = build_notification(id=make_notification_id(2), to={"email": "a@x.org", "push": "p"})


def build_handle(number: int, priority: str = "low") -> FakeBatchHandle:
    """A batch of one notification that needs a profile."""
    record = build_record(encode_value(build_notification(id=make_notification_id(number))), number)
    return FakeBatchHandle(Batch(f"notifications.{priority}", USER_PARTITION, [record]))


async def test_it_runs_as_long_as_there_are_batches() -> None:
    harness, handles = RouterHarness(), [build_handle(1), build_handle(2)]
    await harness.router.run(iterate(*handles))
    assert [event.id for event in harness.decided_events] == [make_notification_id(1), make_notification_id(2)]
    assert [handle.calls for handle in handles] == [["acknowledged"], ["acknowledged"]]


async def test_the_next_batch_is_decided_while_the_previous_one_is_being_committed() -> None:
    harness, handles = RouterHarness(), [build_handle(1), build_handle(1, "high"), build_handle(2)]
    harness.committer.is_delayed = True
    await harness.router.run(iterate(*handles))
    assert [event.id for event in harness.decided_events] == [
        make_notification_id(1),
        make_notification_id(2),
    ]  # the second batch is a replay of the first
    assert [handle.calls for handle in handles] == [[], ["acknowledged"], []]
    assert harness.routed_batches[0].replays == 1
    for committed in harness.committer.pending_commits:
        committed.set_result(None)
    await asyncio.sleep(0)
    assert [handle.calls for handle in handles] == [["acknowledged"]] * 3
    assert [batch.records for batch in harness.routed_batches] == [1, 1, 1]


async def test_a_batch_of_a_fenced_partition_is_released_and_not_counted() -> None:
    harness, handles = RouterHarness(), build_handle(1)
    harness.committer.is_delayed = True
    await harness.router.run(iterate(handles))
    harness.committer.pending_commits[0].set_exception(PartitionFencedError())
    await asyncio.sleep(0)
    assert handles.calls == ["released"]
    assert harness.routed_batches == []


async def test_a_partition_fenced_while_records_wait_stops_no_priority() -> None:
    harness, handles = RouterHarness(), [build_handle(1), build_handle(2)]
    handles[0].batch = Batch("notifications.low", USER_PARTITION, [*handles[0].batch.records, build_record(encode_value(EXPLICIT), 9)])
    harness.profiles.failures_left = 1
    harness.committer.kafka.lost_partitions.add(USER_PARTITION)
    await harness.router.run(iterate(*handles))
    assert [handle.calls for handle in handles] == [["0 unfinished", "released"]] * 2
    harness.router.on_partitions_revoked({USER_PARTITION})
    harness.committer.kafka.lost_partitions.clear()
    await harness.route(build_notification())
    assert harness.last_state == ("routed", "")


async def test_a_record_that_waits_for_a_profile_is_decided_when_a_new_policy_needs_none() -> None:
    harness = RouterHarness()
    harness.profiles.failures_left = 1_000_000

    async def load_policy(seconds: float) -> None:
        assert not harness.sleeps
        harness.sleeps.append(seconds)
        harness.policies.policy = build_policy(rules=[Rule("order.shipped", "transactional", "medium", ("email",), template="shipped")])

    harness.sleep = load_policy  # type: ignore[method-assign]
    await harness.route(build_notification(to={"email": "a@x.org"}))
    assert (harness.sleeps, harness.last_state) == ([1.0], ("routed", ""))


async def test_rows_are_read_after_the_outbox_is_created() -> None:
    harness, order = RouterHarness(), list[str]()
    outbox, get_many = harness.committer.create_outbox, harness.idempotency.get_many
    harness.committer.create_outbox = lambda partition: (order.append("outbox"), outbox(partition))[1]  # type: ignore[method-assign]
    harness.idempotency.get_many = lambda *arguments: (order.append("read"), get_many(*arguments))[1]  # type: ignore[method-assign]
    await harness.route(build_notification())
    assert order == ["outbox", "read"]


async def test_an_error_of_the_commit_leaves_the_batch_unacknowledged() -> None:
    harness, handles = RouterHarness(), build_handle(1)
    harness.committer.is_delayed = True
    await harness.router.run(iterate(handles))
    harness.committer.pending_commits[0].set_exception(OSError("disk"))
    await asyncio.sleep(0)
    assert handles.calls == []


async def test_a_batch_is_one_commit_of_outputs_and_rows() -> None:
    harness = RouterHarness()
    await harness.route(*(build_notification(id=make_notification_id(number)) for number in range(5)))
    assert harness.committer.commits == [(USER_PARTITION, ["rate_windows"], ["idempotency"])]
    assert len(harness.idempotency.rows[USER_PARTITION]) == 5


async def test_an_empty_batch_and_one_of_replays_write_nothing() -> None:
    harness = RouterHarness()
    await harness.route()
    await harness.route(build_notification())
    await harness.route(build_notification())
    assert len(harness.committer.commits) == 1


async def test_a_batch_is_counted() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(), build_notification(), b"{", build_notification(id=make_notification_id(2), expires_at=NOW))
    (routed,) = harness.routed_batches
    assert (routed.topic, routed.partition, routed.records, routed.waiting) == ("notifications.medium", USER_PARTITION, 4, 0)
    assert routed.states == {("routed", ""): 1, ("dead", "undecodable"): 1, ("rejected", "expired"): 1}
    assert routed.deliveries == {"email": 1, "push": 2}
    assert (routed.replays, routed.repartitioned) == (1, 0)


async def test_without_profiles_only_notifications_that_need_one_wait() -> None:
    harness = RouterHarness()
    harness.profiles.failures_left = 2
    await harness.route(build_notification(), EXPLICIT | {"user_id": "u-49"}, b"{")
    assert [event.state for event in harness.decided_events] == ["routed", "dead", "routed"]
    assert (harness.decided_events[0].id, harness.decided_events[2].id) == (make_notification_id(2), make_notification_id(1))
    assert harness.decided_events[2].decided_at == NOW + 2
    assert harness.sleeps == [1.0, 1.0]
    assert [(batch.records, batch.waiting) for batch in harness.routed_batches] == [(2, 1), (0, 1), (1, 0)]
    assert [batch.cause for batch in harness.routed_batches] == ["no profiles now", "no profiles now", ""]


async def test_without_a_profile_the_locale_is_the_default() -> None:
    harness = RouterHarness()
    harness.profiles.failures_left = 1
    await harness.route(EXPLICIT)
    assert harness.decided_events[0].decision_log[-2].inputs["email"] == "shipped@7 default"
    assert harness.sleeps == []


async def test_without_a_policy_everything_waits() -> None:
    harness = RouterHarness()
    harness.policies.policy = None

    async def back(seconds: float) -> None:
        harness.policies.policy = POLICY

    harness.sleep = back  # type: ignore[method-assign]
    await harness.route(build_notification())
    assert harness.last_state == ("routed", "")
    assert [(batch.records, batch.waiting, batch.cause) for batch in harness.routed_batches] == [
        (0, 1, "no policy loaded"),
        (1, 0, ""),
    ]


async def test_a_waiting_notification_can_expire() -> None:
    harness = RouterHarness()
    harness.profiles.failures_left = 3
    await harness.route(build_notification(expires_at=NOW + 2))
    assert harness.last_state == ("rejected", "expired")


async def test_an_error_outside_the_gates_ends_the_router() -> None:
    harness = RouterHarness()
    harness.rate_windows.get_many = lambda partition, keys: 1 / 0  # type: ignore[method-assign, return-value]
    with pytest.raises(ZeroDivisionError):
        await harness.route(build_notification())
    assert harness.committer.records == []


async def test_a_new_policy_applies_from_the_next_batch() -> None:
    harness = RouterHarness()
    await harness.route(build_notification())
    harness.policies.policy = type(POLICY)({}, (), (), 2)
    await harness.route(build_notification(id=make_notification_id(2)))
    assert harness.last_state == ("dead", "unknown_type")
