"""The token server issues tokens only for assertions that Google would accept."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from dev.simulators.protocol import ServerRequest
from dev.simulators.service_account import build_service_account
from dev.simulators.token_server import GRANT_TYPE, TokenServer
from tests.unit.dev.simulators.request_builders import decode_body

TOKEN_URL = "http://127.0.0.1:8025/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


class TokenServerHarness:
    """A token server, its account, and a clock that the test sets."""

    def __init__(self, directory: Path) -> None:
        self.account, file = build_service_account(TOKEN_URL), directory / "account.json"
        file.write_text(json.dumps(self.account))
        self.now = 4_000_000_000.0  # later than the clock of the library that checks the assertion
        self.server = TokenServer(file, lambda: self.now, lifetime=60.0)

    def request_token(self, key: str = "", grant_type: str = GRANT_TYPE, **changes: Any) -> dict[str, Any]:
        """Request a token; a change to None removes the claim."""
        claims = {"iss": self.account["client_email"], "aud": TOKEN_URL, "iat": 1_700_000_000, "exp": 1_700_003_600, "scope": SCOPE}
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        assertion = jwt.encode(claims, key or self.account["private_key"], "RS256")
        body = urlencode({"grant_type": grant_type, "assertion": assertion}).encode()
        return dict(decode_body(self.server.handle_request(ServerRequest(b"POST", b"/token", b"", {}, body))))


@pytest.fixture
def harness(tmp_path: Path) -> TokenServerHarness:
    return TokenServerHarness(tmp_path)


FUTURE = {"iat": 1_700_000_000, "exp": 5_000_000_000}


def test_a_token_is_valid_until_it_expires_and_at_its_server_only(harness: TokenServerHarness, tmp_path: Path) -> None:
    token = harness.server._issue_token()
    assert harness.server.is_token_valid(token)
    assert not harness.server.is_token_valid(token[:-1] + b"?")
    assert not harness.server.is_token_valid(b"ya29.made-up")
    assert not TokenServerHarness(tmp_path).server.is_token_valid(token)
    harness.now += 60
    assert not harness.server.is_token_valid(token)


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type", "password"),
        ({"key": build_service_account(TOKEN_URL)["private_key"]}, "invalid_grant", "Invalid JWT Signature."),
        ({}, "invalid_grant", "expired"),
        ({"aud": "https://oauth2.example.org/token"}, "invalid_grant", "Invalid JWT"),
        ({"iat": None}, "invalid_grant", "Invalid JWT"),
        ({**FUTURE, "iss": "eve@example.org"}, "invalid_grant", "account not found"),
        (FUTURE, "invalid_grant", "short-lived"),
    ],
)
def test_an_invalid_assertion_gets_googles_error(
    harness: TokenServerHarness, changes: dict[str, Any], error: str, description: str
) -> None:
    answer = harness.request_token(**changes)
    assert answer["error"] == error
    assert description in answer["error_description"]
    assert harness.server.issued_count == 0
