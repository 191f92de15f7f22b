"""Authorization of the table view, and the readiness of a worker; tests/integration/workers uses real workers."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from faust.exceptions import ConsumerNotStarted

from app.settings import load_settings
from app.workers.assigned_worker import AssignedWorker, is_ready
from app.workers.web_views import TableView


@dataclass
class FakeApp:
    """A worker in one state; it is also its own consumer."""

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
    ("app", "ready"),
    [
        (FakeApp(), True),
        (FakeApp(started=False), False),
        (FakeApp(rebalancing=True), False),
        (FakeApp(in_recovery=True), False),
        (FakeApp(partitions=set()), False),
        (FakeApp(consuming=False), False),
    ],
)
def test_a_worker_is_ready_while_it_consumes_assigned_partitions(app: Any, ready: bool) -> None:
    assert is_ready(app) is ready


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer", "", "Bearer another"])
@pytest.mark.parametrize("token", ["", "t0ken"])
async def test_a_request_without_the_token_is_unauthorized_also_if_no_token_is_set(token: str, authorization: str | None) -> None:
    assigned_worker = AssignedWorker(FakeApp(), load_settings({"HEROLD_WORKER_WEB_TOKEN": token}))  # type: ignore[arg-type]
    table_view = TableView(assigned_worker, (), {})
    request = make_mocked_request("GET", "/tables/attempts/u-1", headers={} if authorization is None else {"Authorization": authorization})
    assert (await table_view.get_row(request)).status == 401


def test_workers_listen_on_loopback_by_default() -> None:
    assert load_settings({}).worker.web_bind == "127.0.0.1"
