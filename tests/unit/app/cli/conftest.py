import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.api.ports import Outgoing
from app.cli import main
from schemas.history import Story
from schemas.ids import delivery_id
from schemas.notification import Notification
from schemas.status import Accepted, Planned, Status, Step
from schemas.words import Outcome, Reason, State, StatusName
from tests.unit.app.api.world import KEY, NOW, MemoryHistory, MemoryPublisher, World
from tests.unit.app.cli.serving import served

CREATED = NOW - 0.02


class Pipeline(MemoryPublisher):
    """Ends every notification at once; an address that begins with `bounce` fails, a user named `nobody` is refused."""

    def __init__(self, history: MemoryHistory) -> None:
        super().__init__()
        self.history = history

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[bool]:
        confirmed = await super().publish(records)
        for notification in self.notifications():
            self.history.stories[notification.id or ""] = story_of(notification)
        return confirmed


def story_of(notification: Notification) -> Story:
    an_id, user = notification.id or "", notification.user_id
    if user == "nobody":
        trace = [Step("user", "refuse", Reason.UNKNOWN_USER, {"channels": ["email"]})]
        return Story(Accepted(an_id, user, State.REFUSED, NOW, NOW, "low", reason=Reason.UNKNOWN_USER, trace=trace), [], [])
    address = str(notification.to.get("email", ["a@example.org"])[0])
    planned = Planned(delivery_id(an_id, user, "email", address), "email")
    accepted = Accepted(an_id, user, State.ROUTED, CREATED + 0.004, CREATED, "low", notification.type, deliveries=[planned])
    ended = StatusName.FAILED if address.startswith("bounce") else StatusName.SENT
    outcome = Outcome.REJECTED_RECIPIENT if ended is StatusName.FAILED else Outcome.ACCEPTED
    status = Status(planned.id, an_id, user, "email", ended, NOW, CREATED, outcome=outcome, provider="sendgrid", code=202, ms=12.5)
    return Story(accepted, [status], [status])


@pytest.fixture
def world() -> World:
    """A gateway's world whose notifications end at once."""
    world = World()
    world.publisher = Pipeline(world.history)
    return world


@pytest.fixture
def gateway(world: World) -> Iterator[str]:
    """The address of a gateway in that world."""
    with served(world.app()) as port:
        yield f"http://127.0.0.1:{port}"


Herold = Callable[..., Result]


@pytest.fixture
def herold(tmp_path: Path) -> Herold:
    """Runs `herold` in an empty home."""

    def run(*words: str, **env: str | None) -> Result:
        home = {"HEROLD_HOME": str(tmp_path / "home"), "HEROLD_GATEWAY_API_KEY": KEY}
        return CliRunner().invoke(main, words, env={**home, **env})

    return run


def json_of(result: Result) -> Any:
    """The one JSON document on stdout."""
    return json.loads(result.stdout)
