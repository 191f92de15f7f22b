"""What follows from a commit: reports first, then endpoints that are disabled; repeated until PostgreSQL and Kafka have answered."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from agents.recorder import Recorder
from agents.recorder.endpoint_failures import MIN_FAILURES, build_notice, collect_failures
from agents.recorder.follow_ups import FollowUps, FollowUpSettings
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason, Status
from schemas.errors import UnavailableError
from schemas.events import StatusEvent
from schemas.ids import compute_partition
from schemas.notification import Notification
from schemas.ports import Header
from schemas.status_webhooks import FailingEndpoint, StatusEndpoint
from tests.event_builders import NOW, build_batch, build_status_event
from tests.memory_stores import MemoryHistory
from tests.recorder_batches import add_batches, ignore_consent_change, ignore_failure
from tests.unit.agents.recorder.test_status_webhooks import ENDPOINT, build_reported

WHE = "whe_" + "7" * 32
GONE = FailingEndpoint(WHE, "u-7", "https://a.example.org/", "gone", NOW + 1, True)


def build_call(**changes: Any) -> StatusEvent:
    """The event of a call of an endpoint that has failed."""
    fields = {"status": Status.PENDING, "outcome": Outcome.UNKNOWN, "provider_code": 503, "endpoint_id": WHE, **changes}
    return build_status_event(1, "webhook", **fields)


class FakeReports:
    """The endpoints and deliveries of a store, in the order of what was asked; `problems` are raised first."""

    def __init__(self) -> None:
        self.endpoints: list[StatusEndpoint] = []
        self.reported = [build_reported()]
        self.failing: list[FailingEndpoint] = []
        self.log: list[Any] = []
        self.problems: list[str] = []

    async def list_status_endpoints(self) -> Sequence[StatusEndpoint]:
        if self.problems:
            raise UnavailableError(self.problems.pop(0))
        self.log.append("endpoints")
        return self.endpoints

    async def list_reported(self, delivery_ids: Sequence[str]) -> Any:
        self.log.append(list(delivery_ids))
        return self.reported

    async def list_failing(self, failed: Sequence[str], gone: Mapping[str, float], seconds: float, min_failures: int) -> Any:
        self.log.append((list(failed), dict(gone), seconds, min_failures))
        return self.failing

    async def disable(self, endpoint: FailingEndpoint) -> bool:
        self.log.append(f"disable {endpoint.id}")
        return endpoint in self.failing


class Harness:
    def __init__(self) -> None:
        self.store, self.now = FakeReports(), 0.0
        self.records: list[tuple[str, int, bytes, Any]] = []
        self.unflushed: list[tuple[str, int, bytes, Any]] = []
        self.disabled: list[FailingEndpoint] = []
        self.retries: list[tuple[str, float]] = []
        self.flush_problems: list[str] = []
        settings = FollowUpSettings(432_000.0, ["push", "webhook"], 4, "t.")
        self.follow_ups = FollowUps(self.store, lambda: self, self.sleep, lambda: self.now, settings, self.on_disabled)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def on_disabled(self, endpoint: FailingEndpoint) -> None:
        self.disabled.append(endpoint)

    async def run(self, *events: StatusEvent) -> None:
        await self.follow_ups.run(events, lambda cause, delay: self.retries.append((cause, delay)))

    # -- as the outbox

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        type_ = Delivery if "deliveries" in topic else Notification
        self.unflushed.append((topic, partition, key or b"", msgspec.json.decode(value or b"", type=type_)))

    async def flush(self) -> None:
        self.store.log.append("flush")
        if self.flush_problems:
            self.unflushed = []
            raise UnavailableError(self.flush_problems.pop(0))
        self.records, self.unflushed = [*self.records, *self.unflushed], []


async def test_a_status_goes_to_each_endpoint_that_wants_it_on_the_partition_and_priority_of_its_notification() -> None:
    harness = Harness()
    other = msgspec.structs.replace(ENDPOINT, id="whe_" + "2" * 32, types=["invoice.*"])
    harness.store.endpoints = [ENDPOINT, other]
    await harness.run(event := build_status_event(1, status=Status.FAILED))
    assert harness.store.log == ["endpoints", [event.delivery_id], "flush"]
    [(topic, partition, key, delivery)] = harness.records
    assert (topic, partition, key) == ("t.deliveries.webhook.low", compute_partition("u-1", 4), b"u-1")
    assert delivery.endpoint_id == ENDPOINT.id


async def test_the_status_of_a_test_goes_to_no_live_endpoint_also_if_its_notification_is_not_recorded_yet() -> None:
    harness = Harness()
    for_tests = msgspec.structs.replace(ENDPOINT, id="whe_" + "2" * 32, is_test=True)
    harness.store.endpoints, event = [ENDPOINT, for_tests], build_status_event(1, status=Status.FAILED, is_test=True)
    harness.store.reported = [build_reported(delivery_id=event.delivery_id)]
    await harness.run(event)
    assert [delivery.endpoint_id for _, _, _, delivery in harness.records] == [for_tests.id]


async def test_without_an_endpoint_nothing_is_looked_up_and_endpoints_are_read_again_after_seconds() -> None:
    harness = Harness()
    await harness.run(build_status_event(1))
    await harness.run(build_status_event(2))
    assert harness.store.log == ["endpoints"]
    harness.now = 3.1
    harness.store.endpoints = [ENDPOINT]
    await harness.run(build_status_event(3))
    assert len(harness.records) == 1


async def test_postgres_and_kafka_are_asked_until_they_answer_and_a_repeated_report_is_the_same() -> None:
    harness = Harness()
    harness.store.endpoints, harness.store.problems, harness.flush_problems = [ENDPOINT], ["PostgreSQL", "PostgreSQL"], ["Kafka"]
    await harness.run(build_status_event(1))
    await harness.run(build_status_event(1))
    assert [cause for cause, _ in harness.retries] == ["PostgreSQL", "PostgreSQL", "Kafka"]
    assert [delay for _, delay in harness.retries] == [0.1, 0.2, 0.4]
    assert harness.records[0] == harness.records[1]


async def test_a_gone_endpoint_is_disabled_after_the_notice_to_its_user() -> None:
    harness = Harness()
    harness.store.failing = [GONE]
    event = build_call(status=Status.FAILED, outcome=Outcome.REJECTED_RECIPIENT, reason=Reason.ENDPOINT_GONE, provider_code=410)
    await harness.run(event)
    assert harness.store.log == ["endpoints", ([WHE], {WHE: event.occurred_at}, 432_000.0, MIN_FAILURES), "flush", f"disable {WHE}"]
    [(topic, partition, _, notice)] = harness.records
    assert (topic, partition) == ("t.notifications.medium", compute_partition("u-7", 4))
    assert (notice.user_id, notice.type, notice.data["endpoint_id"]) == ("u-7", "herold.webhook_disabled", WHE)
    assert notice == build_notice(GONE, "u-7")
    assert harness.disabled == [GONE]


@pytest.mark.parametrize("endpoint", [msgspec.structs.replace(GONE, has_rule=False), msgspec.structs.replace(GONE, user_id=None)])
async def test_there_is_no_notice_without_a_rule_or_a_user(endpoint: FailingEndpoint) -> None:
    harness = Harness()
    harness.store.failing = [endpoint]
    await harness.run(build_call())
    assert (harness.records, harness.disabled) == ([], [endpoint])


async def test_an_endpoint_that_somebody_else_has_disabled_is_not_reported_again() -> None:
    harness = Harness()
    harness.store.failing = [GONE]
    harness.store.disable = lambda endpoint: _return_false()  # type: ignore[method-assign]
    await harness.run(build_call())
    assert harness.disabled == []


async def _return_false() -> bool:
    return False


@pytest.mark.parametrize(
    ("changes", "is_failure"),
    [
        ({}, True),
        ({"provider_code": 0, "outcome": Outcome.NOT_SENT}, True),
        ({"outcome": Outcome.ACCEPTED, "status": Status.DELIVERED, "provider_code": 204}, False),
        ({"outcome": None, "reason": Reason.EXPIRED, "provider_code": 0, "duration_ms": 0.0}, False),
        ({"outcome": Outcome.REJECTED_RECIPIENT, "reason": Reason.ENDPOINT_DISABLED, "provider_code": 0, "duration_ms": 0.0}, False),
        ({"endpoint_id": ""}, False),
    ],
)
def test_only_a_call_without_success_is_a_failure(changes: dict[str, Any], is_failure: bool) -> None:
    assert collect_failures([build_call(**changes)]).failed == ([WHE] if is_failure else [])


async def test_a_batch_is_acknowledged_after_what_follows_from_it() -> None:
    harness = Harness()
    harness.store.endpoints = [ENDPOINT]
    recorder = Recorder(
        MemoryHistory(), harness.sleep, lambda: NOW, lambda event: None, ignore_failure, 0.0, 100, ignore_consent_change, harness.follow_ups
    )
    (handle,) = await add_batches(recorder, build_batch(build_status_event(1)))
    await handle.acked.wait()
    assert len(harness.records) == 1
