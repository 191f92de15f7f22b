import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agents.router.gates.recipient import UNKNOWN_USER
from app.api.ports import ProducerRecord
from app.cli import main
from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import derive_delivery_id
from schemas.notification import Notification
from tests.unit.app.api.harness import API_KEY, NOW, FakePublisher, GatewayHarness, MemoryHistoryReader
from tests.unit.app.cli.asgi_server import serve_asgi

CREATED_AT = NOW - 0.02


class InstantPipelinePublisher(FakePublisher):
    """Ends every notification at once; an address that begins with `bounce` fails, a user named `nobody` is refused."""

    def __init__(self, history: MemoryHistoryReader) -> None:
        super().__init__()
        self.history = history

    async def publish(self, records: Sequence[ProducerRecord]) -> Sequence[bool]:
        confirmed = await super().publish(records)
        for notification in self.decode_notifications():
            self.history.histories[notification.id or ""] = build_history(notification)
        return confirmed


def build_history(notification: Notification) -> NotificationHistory:
    an_id, user = notification.id or "", notification.user_id
    if user == "nobody":
        trace = [GateResult("user", "reject", UNKNOWN_USER, {"channels": ["email"]})]
        return NotificationHistory(
            DecidedEvent(an_id, user, State.REJECTED, NOW, NOW, "low", reason=UNKNOWN_USER, decision_log=trace), [], []
        )
    address = str(notification.to.get("email", ["a@example.org"])[0])
    planned = DeliveryRef(derive_delivery_id(an_id, user, "email", address), "email")
    accepted = DecidedEvent(an_id, user, State.ROUTED, CREATED_AT + 0.004, CREATED_AT, "low", notification.type, deliveries=[planned])
    ended = Status.FAILED if address.startswith("bounce") else Status.SENT
    outcome = Outcome.REJECTED_RECIPIENT if ended is Status.FAILED else Outcome.ACCEPTED
    status = StatusEvent(
        planned.id, an_id, user, "email", ended, NOW, CREATED_AT, outcome=outcome, provider="sendgrid", provider_code=202, duration_ms=12.5
    )
    return NotificationHistory(accepted, [status], [status])


@pytest.fixture
def gateway_harness() -> GatewayHarness:
    """A gateway's world whose notifications end at once."""
    world = GatewayHarness()
    world.publisher = InstantPipelinePublisher(world.history)
    return world


@pytest.fixture
def gateway_url(gateway_harness: GatewayHarness) -> Iterator[str]:
    """The address of a gateway in that world."""
    with serve_asgi(gateway_harness.build_app()) as port:
        yield f"http://127.0.0.1:{port}"


HeroldRunner = Callable[..., Result]


@pytest.fixture
def herold(tmp_path: Path) -> HeroldRunner:
    """Runs `herold` in an empty home."""

    def run(*words: str, **env: str | None) -> Result:
        home = {"HEROLD_HOME": str(tmp_path / "home"), "HEROLD_GATEWAY_API_KEY": API_KEY}
        return CliRunner().invoke(main, words, env={**home, **env})

    return run


def parse_json_output(result: Result) -> Any:
    """The one JSON document on stdout."""
    return json.loads(result.stdout)
