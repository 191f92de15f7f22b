import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from agents.router.gates.recipient import UNKNOWN_USER
from app.api.ports import ProducerRecord
from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import derive_delivery_id
from schemas.notification import Notification
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.unit.app.api.harness import API_KEY, NOW, FakePublisher, GatewayHarness, MemoryHistoryReader
from tests.unit.app.cli.asgi_server import serve_asgi

CREATED_AT = NOW - 0.02


class InstantPipelinePublisher(FakePublisher):
    """Writes the history of each notification at once. The address `bounce...` fails, the user `unknown` is rejected."""

    def __init__(self, history: MemoryHistoryReader) -> None:
        super().__init__()
        self.history = history

    async def publish(self, records: Sequence[ProducerRecord]) -> Sequence[bool]:
        confirmed = await super().publish(records)
        for notification in self.decode_notifications():
            self.history.histories[notification.id or ""] = build_history(notification)
        return confirmed


def build_history(notification: Notification) -> NotificationHistory:
    """The history of a notification with one delivery by e-mail."""
    notification_id, user_id = notification.id or "", notification.user_id
    if user_id == "unknown":
        decision_log = [GateResult("recipient", "reject", UNKNOWN_USER, {"channels": ["email"]})]
        return NotificationHistory(
            DecidedEvent(notification_id, user_id, State.REJECTED, NOW, NOW, "low", reason=UNKNOWN_USER, decision_log=decision_log), [], []
        )
    address = str(notification.to.get("email", ["a@example.org"])[0])
    delivery = DeliveryRef(derive_delivery_id(notification_id, user_id, "email", address), "email")
    event = DecidedEvent(
        notification_id, user_id, State.ROUTED, CREATED_AT + 0.004, CREATED_AT, "low", notification.type, deliveries=[delivery]
    )
    status = Status.FAILED if address.startswith("bounce") else Status.SENT
    outcome = Outcome.REJECTED_RECIPIENT if status is Status.FAILED else Outcome.ACCEPTED
    attempt = {"outcome": outcome, "provider": "sendgrid", "provider_code": 202, "duration_ms": 12.5}
    status_event = StatusEvent(delivery.id, notification_id, user_id, "email", status, NOW, CREATED_AT, **attempt)
    return NotificationHistory(event, [status_event], [status_event])


@pytest.fixture
def gateway_harness() -> GatewayHarness:
    """A gateway whose notifications are final at once."""
    harness = GatewayHarness()
    harness.publisher = InstantPipelinePublisher(harness.history)
    return harness


@pytest.fixture
def gateway_url(gateway_harness: GatewayHarness) -> Iterator[str]:
    """The address of that gateway."""
    with serve_asgi(gateway_harness.build_app()) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def herold(tmp_path: Path) -> HeroldRunner:
    """Runs `herold` without a state file, with the API key."""
    return build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_GATEWAY_API_KEY=API_KEY)


def parse_json_output(result: Result) -> Any:
    """The JSON document on stdout."""
    return json.loads(result.stdout)
