from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.simulators.admin_api import AdminApi
from dev.simulators.fault_rules import FaultRules
from dev.simulators.protocol import ServerRequest, ServerResponse
from dev.simulators.request_log import RequestLog
from tests.unit.dev.simulators.request_builders import NOW, decode_body


@pytest.fixture
def admin_api(tmp_path: Path) -> Iterator[AdminApi]:
    request_log = RequestLog(tmp_path / "requests.jsonl")
    for number in range(5):
        request_log.append(1.0, "sendgrid", f"d-{number}", "a b@x.org" if number else "c@x.org", 202, "")
    yield AdminApi(request_log, request_log.reset, lambda: NOW, ("sendgrid", "fcm"), set(), FaultRules())
    request_log.close()


def send_request(admin_api: AdminApi, path: bytes, query: bytes = b"", method: bytes = b"GET") -> ServerResponse:
    """Send a request without a body."""
    return admin_api.handle_request(ServerRequest(method, path, query, {}, b""))


def test_the_counts(admin_api: AdminApi) -> None:
    report = decode_body(send_request(admin_api, b"/requests/counts"))
    assert (report["requests"], report["accepted"], report["seq"]) == (5, 5, 5)
    assert decode_body(send_request(admin_api, b"/healthz")) == {"status": "ok", "seq": 5}


def test_a_search_by_delivery_or_address(admin_api: AdminApi) -> None:
    assert [entry["seq"] for entry in decode_body(send_request(admin_api, b"/requests/search", b"delivery_id=d-3"))] == [4]
    assert [entry["seq"] for entry in decode_body(send_request(admin_api, b"/requests/search", b"address=a%20b%40x.org&limit=2"))] == [2, 3]


def test_a_page_of_entries(admin_api: AdminApi) -> None:
    response = send_request(admin_api, b"/requests", b"after=1&limit=2")
    assert response.content_type == b"application/x-ndjson"
    assert response.body.count(b"\n") == 2
    assert b'"seq":2' in response.body


def test_the_newest_entries_come_first(admin_api: AdminApi) -> None:
    newest = b"/requests/newest"
    assert [entry["seq"] for entry in decode_body(send_request(admin_api, newest, b"limit=2"))] == [5, 4]
    assert [entry["seq"] for entry in decode_body(send_request(admin_api, newest, b"limit=2&before=3"))] == [2, 1]
    assert decode_body(send_request(admin_api, newest, b"before=1")) == []


def test_a_reset_clears_the_counts(admin_api: AdminApi) -> None:
    assert decode_body(send_request(admin_api, b"/requests/reset", method=b"POST"))["requests"] == 0


@pytest.mark.parametrize(
    ("path", "query", "status", "message"),
    [
        (b"/requests/search", b"", 400, "delivery_id="),
        (b"/requests", b"after=x", 400, "after must be a whole number"),
        (b"/requests", b"limit=-1", 400, "limit must be a whole number"),
        (b"/requests/reset", b"", 404, "POST /requests/reset"),
        (b"/nowhere", b"", 404, "GET /requests"),
        (b"/credentials/revoke", b"provider=x", 404, "POST /credentials/revoke"),
    ],
)
def test_an_invalid_request_gets_an_error_message(admin_api: AdminApi, path: bytes, query: bytes, status: int, message: str) -> None:
    response = send_request(admin_api, path, query)
    assert response.status == status
    assert message in decode_body(response)["error"]


def test_credentials_are_revoked_and_restored_for_a_provider(admin_api: AdminApi) -> None:
    revoke, restore = b"/credentials/revoke", b"/credentials/restore"
    assert decode_body(send_request(admin_api, revoke, b"provider=fcm", b"POST")) == {"revoked": ["fcm"]}
    assert decode_body(send_request(admin_api, restore, b"provider=fcm", b"POST")) == {"revoked": []}
    assert send_request(admin_api, revoke, b"provider=smtp", b"POST").status == 400
