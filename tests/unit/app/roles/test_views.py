"""Who may look into a worker's tables, and when a worker says that it works; real workers are asked in tests/integration/roles."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from faust.exceptions import ConsumerNotStarted

from app.roles.views import TableViews, works
from app.settings import load


@dataclass
class AppTwin:
    """A worker in one moment of its life; it is its own consumer."""

    started: bool = True
    rebalancing: bool = False
    in_recovery: bool = False
    partitions: set[int] = field(default_factory=lambda: {1})
    consuming: bool = True

    @property
    def consumer(self) -> "AppTwin":
        return self

    def assignment(self) -> set[int]:
        if not self.consuming:
            raise ConsumerNotStarted("Consumer thread not yet started")
        return self.partitions


@pytest.mark.parametrize(
    ("moment", "working"),
    [
        (AppTwin(), True),
        (AppTwin(started=False), False),
        (AppTwin(rebalancing=True), False),
        (AppTwin(in_recovery=True), False),
        (AppTwin(partitions=set()), False),
        (AppTwin(consuming=False), False),
    ],
)
def test_a_worker_works_once_it_reads_partitions(moment: Any, working: bool) -> None:
    assert works(moment) is working


@pytest.mark.parametrize("shown", [None, "Bearer ", "Bearer", "", "Bearer another"])
@pytest.mark.parametrize("token", ["", "t0ken"])
async def test_nothing_is_shown_without_the_token_and_nothing_at_all_where_there_is_none(token: str, shown: str | None) -> None:
    views = TableViews(AppTwin(), {}, load({"HEROLD_STREAMING_WEB_TOKEN": token}))  # type: ignore[arg-type]
    request = make_mocked_request("GET", "/tables/attempts/u-1", headers={} if shown is None else {"Authorization": shown})
    assert (await views.show(request)).status == 401


def test_workers_listen_on_loopback_unless_told_otherwise() -> None:
    assert load({}).streaming.web_bind == "127.0.0.1"
