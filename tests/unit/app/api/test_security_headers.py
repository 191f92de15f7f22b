"""Every response has the headers; pages work under their policy; pages of other origins are let in only if a setting names them."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from litestar.testing import TestClient

from app.api.cors import CorsApp, parse_origins
from app.api.security_headers import DEFAULT_HEADERS, HSTS_MAX_AGE, add_security_headers
from schemas.errors import SettingError
from schemas.message_links import LinkBuilder, LinkTarget
from tests.unit.app.api.harness import HEADERS, LINK_TOKENS, GatewayHarness

Client = TestClient[Any]
SUBMISSION = {"user_id": "anna@example.org", "type": "order.shipped", "to": {"email": "anna@example.org"}}
ORIGIN = "https://admin.example.org"
NAMES = {name.decode() for name, _ in DEFAULT_HEADERS}
REQUESTS = [
    ("POST", "/v1/notifications", 202),
    ("GET", "/v1/notifications/nonsense", 404),
    ("PUT", "/v1/notifications", 405),
    ("GET", "/no/such/path", 404),
    ("GET", "/", 302),
    ("GET", "/docs", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/healthz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/u/nonsense", 404),
    ("POST", "/v1/callbacks/sendgrid", 404),
]


class PageReader(HTMLParser):
    """Collects what a Content-Security-Policy concerns: inline blocks, and attributes that no hash covers."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: dict[str, list[str]] = {"script": [], "style": []}
        self.attributes: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag if tag in self.blocks else self._open
        self.attributes += [name for name, value in attrs if name == "style" or name.startswith("on") or "javascript:" in (value or "")]

    def handle_endtag(self, tag: str) -> None:
        self._open = "" if tag == self._open else self._open

    def handle_data(self, data: str) -> None:
        if self._open:
            self.blocks[self._open].append(data)


def find_unhashed(page: str, policy: str) -> list[str]:
    """What the browser would not run or apply under this policy."""
    reader = PageReader()
    reader.feed(page)
    unhashed = [
        kind
        for kind, blocks in reader.blocks.items()
        for text in blocks
        if f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" not in find_sources(policy, f"{kind}-src")
    ]
    return unhashed + reader.attributes


def find_sources(policy: str, directive: str) -> str:
    """The sources of a directive."""
    match = re.search(rf"(?:^|; ){directive} ([^;]*)", policy)
    return match[1] if match else ""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A client of a gateway for the tests of this file, without a key."""
    with GatewayHarness().build_client() as client:
        client.headers.pop("authorization")
        yield client


@pytest.fixture(scope="module")
def cors_client() -> Iterator[Client]:
    """A client of a gateway that lets pages of two origins in."""
    origins = parse_origins(f"https://other.example.org, {ORIGIN}")
    with TestClient(CorsApp(GatewayHarness().build_app(), origins)) as client:  # type: ignore[arg-type]
        yield client


@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
@pytest.mark.parametrize("has_key", [True, False])
def test_every_response_has_the_headers_once(client: Client, method: str, path: str, status: int, has_key: bool) -> None:
    headers, json = HEADERS if has_key else {}, SUBMISSION if method == "POST" else None
    response = client.request(method, path, json=json, headers=headers, follow_redirects=False)
    assert response.status_code in ((status,) if has_key else (status, 401))
    assert {name: len(response.headers.get_list(name)) for name in NAMES} == dict.fromkeys(NAMES, 1)
    assert "strict-transport-security" not in response.headers


def test_https_is_remembered_by_browsers() -> None:
    assert (b"strict-transport-security", b"max-age=%d" % HSTS_MAX_AGE) in add_security_headers([], "https")


def test_a_header_of_the_response_itself_stays() -> None:
    own = [(b"cache-control", b"max-age=5"), (b"content-type", b"text/html")]
    headers = add_security_headers(own, "http")
    assert headers[:2] == own
    assert [name for name, _ in headers].count(b"cache-control") == 1


def test_the_docs_page_works_under_its_policy(client: Client) -> None:
    response = client.get("/docs")
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert find_unhashed(response.text, policy) == []
    assert find_unhashed(response.text.replace("</script>", ";</script>"), policy) == ["script"]
    assert find_sources(policy, "connect-src") == "'self'"
    assert find_sources(policy, "frame-ancestors") == "'none'"


@pytest.mark.parametrize("path", ["", "/preferences"])
def test_the_consent_pages_work_under_their_policy(client: Client, path: str) -> None:
    link = LinkBuilder(LINK_TOKENS, "").build(LinkTarget("u-1", "marketing", "email", "ntf_1")).unsubscribe_url
    response = client.get(f"{link}{path}")
    policy = response.headers["content-security-policy"]
    assert find_unhashed(response.text, policy) == []
    assert find_sources(policy, "form-action") == "'self'"
    assert find_sources(policy, "script-src") == ""


def test_other_origins_are_let_in_only_by_name(client: Client, cors_client: Client) -> None:
    headers = {"origin": ORIGIN, **HEADERS}
    closed = client.post("/v1/notifications", json=SUBMISSION, headers=headers)
    assert not [name for name in closed.headers if name.startswith("access-control")]
    named = cors_client.post("/v1/notifications", json=SUBMISSION, headers=headers)
    foreign = cors_client.post("/v1/notifications", json=SUBMISSION, headers={**headers, "origin": "https://evil.example.org"})
    assert (named.status_code, named.headers["access-control-allow-origin"], named.headers["vary"]) == (202, ORIGIN, "origin")
    assert "access-control-allow-credentials" not in named.headers
    assert "access-control-allow-origin" not in foreign.headers


def test_a_preflight_request_needs_no_key_and_does_nothing(cors_client: Client) -> None:
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    allowed = cors_client.options("/v1/notifications", headers={"origin": ORIGIN, **preflight})
    foreign = cors_client.options("/v1/notifications", headers={"origin": "https://evil.example.org", **preflight})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert set(allowed.headers) >= NAMES
    assert foreign.status_code == 401


@pytest.mark.parametrize("text", ["*", "null", "admin.example.org", "https://a.example.org/", "https://a.example, *", "https://a\r\nx: y"])
def test_what_is_no_origin_is_named(text: str) -> None:
    with pytest.raises(SettingError, match=r"gateway\.cors_origins"):
        parse_origins(text)


def test_no_origin_is_the_default() -> None:
    assert parse_origins(" ") == frozenset()
    assert parse_origins("https://a.example.org:8443 , http://127.0.0.1:3000") == {b"https://a.example.org:8443", b"http://127.0.0.1:3000"}
