"""Paths that try to leave the API, to go around its credential, or to send a browser elsewhere."""

import pytest

from tests.security.gateway import AttackedGateway, list_statuses

TRAVERSALS = (
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/docs/../../etc/passwd",
    "/docs/..%2f..%2fasgi.py",
    "/docs%2f..%2f..%2fetc%2fpasswd",
    "/u/..%2f..%2fetc%2fpasswd",
    "/u/....//....//etc/passwd",
    "/v1/templates/..%2f..%2fetc%2fpasswd",
    "/v1/templates/..\\..\\etc\\passwd",
    "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "/%252e%252e/etc/passwd",
    "/etc/passwd%00.html",
    "/v1/users/%00",
    "file:///etc/passwd",
)
AROUND = (
    "/healthz/../v1/users",
    "/healthz/..%2fv1/users",
    "/healthz%2f..%2fv1%2fusers",
    "/healthz;/v1/users",
    "/u/../v1/users",
    "/u/x/../../v1/users",
    "/u/%2e%2e/v1/users",
    "/docs/../v1/users",
    "/v1/callbacks/../users",
    "/v1/callbacks/twilio/../../users",
    "//v1/users",
    "/v1//users",
    "/./v1/users",
    "/V1/users",
    "/v1/USERS",
    "/v1/users/",
    "/v1/users%20",
    "/v1/users%00",
    "/v1/users?/healthz",
    "/v1/users#/healthz",
    "/v1/users;x=/healthz",
    "http://gateway/v1/users",
    "/v1/metrics",
    "/metrics",
    "/metrics/",
    "/v1/audit/head",
)
ELSEWHERE = (
    "//evil.example.org",
    "//evil.example.org/%2e%2e",
    "/\\evil.example.org",
    "/%2f%2fevil.example.org",
    "/docs//evil.example.org/",
    "/v1//evil.example.org/..",
)


def send(gateway: AttackedGateway, method: str, path: str, *headers: str) -> bytes:
    """What a request without a credential gets; the path is sent as it is."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", "Connection: close", *headers, "", ""]
    return gateway.exchange("\r\n".join(lines).encode())


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize("key", ["", "with a key"])
def test_no_path_leads_to_a_file(gateway: AttackedGateway, path: str, key: str) -> None:
    received = send(gateway, "GET", path, *([f"X-API-Key: {gateway.api_key}"] if key else []))
    assert list_statuses(received)[0] in (400, 401, 404, 405, 422)
    assert b"root:" not in received
    assert b"def build_asgi_app" not in received


@pytest.mark.parametrize("path", AROUND)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "TRACE"])
def test_no_spelling_of_a_path_needs_no_credential(gateway: AttackedGateway, path: str, method: str) -> None:
    received = send(gateway, method, path, "Content-Length: 0")
    assert list_statuses(received)[0] in (400, 401, 404, 405), received
    assert b"u-ada" not in received


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("host", ["gateway", "evil.example.org"])
def test_no_response_sends_a_browser_elsewhere(gateway: AttackedGateway, path: str, host: str) -> None:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"X-Forwarded-Host: {host}", "Connection: close", "", ""]
    received = gateway.exchange("\r\n".join(lines).encode())
    assert list_statuses(received)[0] // 100 != 3
    assert b"\r\nlocation:" not in received.lower()
    assert b"evil.example.org" not in received.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Forwarded-Prefix"])
def test_no_header_changes_the_path_or_method(gateway: AttackedGateway, header: str) -> None:
    value = "DELETE" if "Method" in header else "/v1/users"
    assert list_statuses(send(gateway, "GET", "/healthz", f"{header}: {value}")) == [200]
    assert list_statuses(send(gateway, "GET", "/v1/users", f"{header}: /healthz")) == [401]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize(("path", "statuses"), [("/healthz", (200, 204)), ("/no/such/path", (404,)), ("/docs", (200, 204))])
def test_the_connection_goes_on_after_any_method(gateway: AttackedGateway, method: str, path: str, statuses: tuple[int, ...]) -> None:
    first = f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nX-API-Key: {gateway.api_key}\r\n\r\n".encode()
    received = list_statuses(gateway.exchange(first + b"GET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"))
    assert received[0] in statuses
    assert received[1:] == [200]
    assert "Traceback" not in gateway.read_log()
