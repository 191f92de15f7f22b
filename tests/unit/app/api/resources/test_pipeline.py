"""The routes about the pipeline; tests/unit/app/api/pipeline checks what they say."""

from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from schemas.user_rows import UserRow
from tests.unit.app.api.harness import FakeUserTables, GatewayHarness
from tests.unit.app.api.pipeline.builders import build_readers

ROWS = {"idempotency": [UserRow(b"order-17", msgspec.json.encode({"notification_id": "ntf_1", "source": {"offset": 3}}))]}


@pytest.fixture
def client() -> TestClient[Any]:
    return GatewayHarness(user_tables=FakeUserTables(ROWS)).build_client()


@pytest.mark.parametrize("path", ["overview", "topology", "workers", "tables"])
def test_each_part_of_the_pipeline_is_shown_also_while_its_sources_are_down(path: str) -> None:
    away = {name: OSError("away") for name in ("read_offsets", "read_groups", "read_reports", "read_accounts", "count_dead_letters")}
    for readers, problem in ((build_readers(), ""), (build_readers(**away), "OSError: away")):
        response = GatewayHarness(pipeline_readers=readers).build_client().get(f"/v1/{path}")
        assert response.status_code == 200
        assert {source["problem"] for source in response.json()["sources"].values()} == {problem}


def test_a_row_is_looked_up_by_its_key(client: TestClient[Any]) -> None:
    response = client.get("/v1/tables/idempotency/keys/order-17?user_id=u-1")
    assert (response.status_code, response.json()) == (
        200,
        {
            "table": "idempotency",
            "role": "router",
            "user_id": "u-1",
            "key": "order-17",
            "partition": 1,
            "worker": "router",
            "row": {"notification_id": "ntf_1", "source": {"offset": 3}},
        },
    )


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("idempotency/keys/another?user_id=u-1", 404, "the table idempotency has no row of this user with this key"),
        ("nothing/keys/k?user_id=u-1", 404, "no such table; there are attempts, digests, due, endpoint_order, idempotency, rate_windows"),
        ("attempts/keys/k?user_id=u-1&role=router", 404, "no such table of the role router; there are"),
    ],
)
def test_what_is_not_there_is_named(client: TestClient[Any], path: str, status: int, detail: str) -> None:
    response = client.get(f"/v1/tables/{path}")
    assert response.status_code == status
    assert response.json()["detail"].startswith(detail)


def test_a_key_that_is_none_and_a_missing_user_are_named(client: TestClient[Any]) -> None:
    response = client.get("/v1/tables/attempts/keys/invalid?user_id=u-1")
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "$.key")
    assert client.get("/v1/tables/attempts/keys/k").status_code == 422


def test_workers_that_do_not_answer_are_named() -> None:
    client = GatewayHarness(user_tables=FakeUserTables(problem="no worker of the role router has registered")).build_client()
    response = client.get("/v1/tables/idempotency/keys/k?user_id=u-1")
    assert (response.status_code, response.json()["detail"]) == (503, "no worker of the role router has registered")
