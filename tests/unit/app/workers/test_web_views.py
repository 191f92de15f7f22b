"""Who may look into a worker's tables, and when a worker says that it works; real workers are asked in tests/integration/roles."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from faust.exceptions import ConsumerNotStarted

from app.settings import load_settings
from app.workers.web_views import TableView, is_ready


@dataclass
class FakeApp:
    """A worker in one moment of its life; it is its own consumer."""

    started: bool = True
    rebalancing: bool = False
    in_recovery: bool = False
    partitions: set[int] = field(default_factory=lambda: {1})
    consuming: bool = True

    @property
    def consumer(self) -> "FakeApp":
        return self

    def assignment(self) -> set[int]:
        if not self.consuming:
            raise ConsumerNotStarted("Consumer thread not yet started")
        return self.partitions


@pytest.mark.parametrize(
    ("moment", "working"),
    [
        (FakeApp(), True),
        (FakeApp(started=False), False),
        (FakeApp(rebalancing=True), False),
        (FakeApp(in_recovery=True), False),
        (FakeApp(partitions=set()), False),
        (FakeApp(consuming=False), False),
    ],
)
def test_a_worker_works_once_it_reads_partitions(moment: Any, working: bool) -> None:
    assert is_ready(moment) is working


@pytest.mark.parametrize("shown", [None, "Bearer ", "Bearer", "", "Bearer another"])
@pytest.mark.parametrize("token", ["", "t0ken"])
async def test_nothing_is_shown_without_the_token_and_nothing_at_all_where_there_is_none(token: str, shown: str | None) -> None:
    views = TableView(FakeApp(), {}, load_settings({"HEROLD_WORKER_WEB_TOKEN": token}))  # type: ignore[arg-type]
    request = make_mocked_request("GET", "/tables/attempts/u-1", headers={} if shown is None else {"Authorization": shown})
    assert (await views.get_row(request)).status == 401


def test_workers_listen_on_loopback_unless_told_otherwise() -> None:
    assert load_settings({}).worker.web_bind == "127.0.0.1"
