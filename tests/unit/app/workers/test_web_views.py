"""Authorization of the table view, and the readiness of a worker; tests/integration/workers uses real workers."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from faust.exceptions import ConsumerNotStarted

from app.settings import load_settings
from app.telemetry import Metrics
from app.workers.assigned_worker import AssignedWorker, is_ready
from app.workers.report_view import ReportView
from app.workers.web_views import TableView, add_web_views


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


@pytest.mark.parametrize(("protected", "authorization", "status"), [("false", "", 503), ("true", "", 401), ("true", "Bearer t0ken", 503)])
async def test_readiness_and_metrics_need_the_token_if_a_setting_says_so(protected: str, authorization: str, status: int) -> None:
    settings = load_settings({"HEROLD_WORKER_WEB_TOKEN": "t0ken", "HEROLD_WORKER_WEB_PROTECT_ALL": protected})
    router = web.Application().router
    app: Any = FakeApp(started=False)
    app.web = SimpleNamespace(web_app=SimpleNamespace(router=router))
    app.settings = SimpleNamespace(app_id="router")
    report_view = ReportView(app, "router", "1", [], Metrics(), "", lambda: 0.0)
    add_web_views(app, "router", (), {}, {}, Metrics(), settings, report_view)
    handlers = {route.resource.canonical: route.handler for route in router.routes() if route.resource and route.method == "GET"}
    request = make_mocked_request("GET", "/", headers={"Authorization": authorization})
    assert (await handlers["/ready"](request)).status == status
    assert (await handlers["/metrics"](request)).status == (status if status == 401 else 200)
