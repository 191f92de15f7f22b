"""Texts of clients that try to become a header of a response, a line of the log, or markup of a page."""

import json
from urllib.parse import quote

import pytest

from tests.security.gateway import AttackedGateway, build_request

MARK = "injected"
TEXTS = (
    f"a\r\nSet-Cookie: {MARK}=1",
    f"a\nX-Evil: {MARK}",
    f"a\r\n\r\n<script>{MARK}</script>",
    f"a\u2028{MARK}",
    f"a\u0085{MARK}",
    f"a\x1b]0;{MARK}\x07",
    f'a","level":"error","x":"{MARK}',
    f"%0d%0aSet-Cookie:%20{MARK}=1",
    f"a\0{MARK}",
    f"\u560a\u560dSet-Cookie: {MARK}=1",  # ends with CR LF in who cuts characters to bytes
    f"<img src=x onerror={MARK}>",
    f"{{{{{MARK}}}}}${{{MARK}}}",
)
HEADERS = ("Herold-Actor", "X-Request-Id", "Idempotency-Key", "User-Agent", "If-Match", "X-Forwarded-For", "Host", "Origin")
PATHS = (
    "/v1/users/{}",
    "/v1/rules/{}",
    "/v1/templates/{}",
    "/v1/notifications/{}",
    "/v1/suppressions/{}",
    "/v1/audiences/{}",
    "/u/{}",
    "/{}",
)
PARAMETERS = (
    "/v1/users?search={}",
    "/v1/audit?actor={}",
    "/v1/notifications?user_id={}",
    "/v1/suppressions?search={}",
    "/v1/dead-letters?reason={}",
)


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_in_a_url_becomes_a_header(gateway: AttackedGateway, text: str) -> None:
    with gateway.open() as client:
        for path in (*PATHS, *PARAMETERS):
            response = client.get(path.format(quote(text, safe="")))
            assert response.status_code < 500, path
            assert not any(MARK in name.lower() + value for name, value in response.headers.items()), (path, response.headers)
            if "html" in response.headers.get("content-type", ""):
                assert text not in response.text
            else:
                assert "json" in response.headers.get("content-type", "json")
                assert response.headers.get("x-content-type-options") == "nosniff"


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "name", ["Herold-Actor", "X-Request-Id", "Idempotency-Key", "User-Agent", "If-Match", "X-Forwarded-For", "Host", "Origin"]
)
def test_no_text_in_a_header_becomes_another(gateway: AttackedGateway, name: str, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass").decode("latin-1").replace("\r\n", "\r\n ")
    received = gateway.exchange(build_request("GET", "/v1/users/nobody", f"{name}: {raw}", "Connection: close"))
    head = received.partition(b"\r\n\r\n")[0].lower()
    names = {line.partition(b":")[0] for line in head.split(b"\r\n")[1:]}
    assert b"set-cookie" not in names
    assert b"x-evil" not in names


def test_every_line_of_the_log_is_one_event(gateway: AttackedGateway) -> None:
    """After everything that this process was sent in this session."""
    lines = [line for line in gateway.read_log().split("\n") if line]
    assert len(lines) > 50
    events = [json.loads(line) for line in lines]
    assert all(isinstance(event, dict) and "event" in event for event in events)
    assert not any(control in line for line in lines for control in ("\x1b", "\0", "\u2028", "\u0085", "\r"))
    assert not any(MARK in str(name) for event in events for name in event)
