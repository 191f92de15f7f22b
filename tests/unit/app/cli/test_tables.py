import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.herold_runner import HeroldRunner
from tests.unit.app.cli.asgi_server import serve_asgi
from tests.unit.app.cli.conftest import parse_json_output

TOKEN = "t" * 32
ROW = {"table": "idempotency", "user_id": "u/42", "key": "k", "notification_id": "ntf_1"}


async def answer_as_worker(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app that responds as the table view of a worker."""
    is_authorized = (b"authorization", f"Bearer {TOKEN}".encode()) in scope["headers"]
    has_row = scope["raw_path"] == b"/tables/idempotency/u%2F42/k"
    status, body = (401, {"error": "wrong token"}) if not is_authorized else (200, ROW) if has_row else (404, {"error": "no row"})
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


@pytest.fixture
def url() -> Iterator[str]:
    with serve_asgi(answer_as_worker) as port:
        yield f"http://127.0.0.1:{port}"


def test_get_prints_the_row(herold: HeroldRunner, url: str) -> None:
    args = ("tables", "get", "idempotency", "u/42", "k", "--worker", url, "--token", TOKEN)
    result = herold(*args)
    assert result.exit_code == 0
    assert "ntf_1" in result.stdout
    assert parse_json_output(herold(*args, "--json")) == ROW


def test_a_missing_row_exits_with_3_and_the_ttl(herold: HeroldRunner, url: str) -> None:
    result = herold("tables", "get", "idempotency", "u", "k", "--worker", url, "--token", TOKEN)
    assert result.exit_code == 3
    assert "expire after 48 h" in result.stderr


def test_a_wrong_token_exits_with_1(herold: HeroldRunner, url: str) -> None:
    result = herold("tables", "get", "idempotency", "u", "k", "--worker", url, "--token", "wrong")
    assert result.exit_code == 1
    assert "HEROLD_WORKER_WEB_TOKEN" in result.stderr


def test_a_missing_worker_or_token_is_reported_with_its_option(herold: HeroldRunner) -> None:
    assert "--worker" in herold("tables", "get", "attempts", "u", "k", "--token", TOKEN).stderr
    assert "HEROLD_WORKER_WEB_TOKEN" in herold("tables", "get", "attempts", "u", "k").stderr


def test_an_unknown_table_is_wrong_usage(herold: HeroldRunner) -> None:
    assert herold("tables", "get", "accounts", "u").exit_code == 2
