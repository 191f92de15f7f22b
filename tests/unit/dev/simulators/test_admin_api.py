from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.simulators.admin_api import AdminApi
from dev.simulators.protocol import ServerRequest, ServerResponse
from dev.simulators.request_log import RequestLog
from tests.unit.dev.simulators.request_builders import decode_body


@pytest.fixture
def admin_api(tmp_path: Path) -> Iterator[AdminApi]:
    ledger = RequestLog(tmp_path / "requests.jsonl")
    for number in range(5):
        ledger.append(1.0, "sendgrid", f"d-{number}", "a b@x.org" if number else "c@x.org", 202, "")
    yield AdminApi(ledger, ledger.reset)
    ledger.close()


def send_request(desk: AdminApi, path: bytes, query: bytes = b"", method: bytes = b"GET") -> ServerResponse:
    """What the desk says."""
    return desk.handle_request(ServerRequest(method, path, query, {}, b""))


def test_counts(admin_api: AdminApi) -> None:
    report = decode_body(send_request(admin_api, b"/requests/counts"))
    assert (report["requests"], report["accepted"], report["seq"]) == (5, 5, 5)
    assert decode_body(send_request(admin_api, b"/healthz")) == {"status": "ok", "seq": 5}


def test_search(admin_api: AdminApi) -> None:
    assert [entry["seq"] for entry in decode_body(send_request(admin_api, b"/requests/search", b"delivery_id=d-3"))] == [4]
    assert [entry["seq"] for entry in decode_body(send_request(admin_api, b"/requests/search", b"address=a%20b%40x.org&limit=2"))] == [2, 3]


def test_entries(admin_api: AdminApi) -> None:
    reply = send_request(admin_api, b"/requests", b"after=1&limit=2")
    assert reply.content_type == b"application/x-ndjson"
    assert reply.body.count(b"\n") == 2
    assert b'"seq":2' in reply.body


def test_reset(admin_api: AdminApi) -> None:
    assert decode_body(send_request(admin_api, b"/requests/reset", method=b"POST"))["requests"] == 0


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        (b"/requests/search", b"", 400, "delivery_id="),
        (b"/requests", b"after=x", 400, "after is a whole number"),
        (b"/requests", b"limit=-1", 400, "limit is a whole number"),
        (b"/requests/reset", b"", 404, "POST /requests/reset"),
        (b"/nowhere", b"", 404, "GET /requests"),
    ],
)
def test_what_it_cannot_do_it_says(admin_api: AdminApi, path: bytes, query: bytes, status: int, says: str) -> None:
    reply = send_request(admin_api, path, query)
    assert reply.status == status
    assert says in decode_body(reply)["error"]
