"""Tokens from a file or a command, and when a command runs again."""

import asyncio
import base64
import json
import sys
from pathlib import Path

import pytest

from app.kafka.oauth_token import CachedToken, OAuthTokenProvider, TokenError, decode_expiry, read_token_file, run_token_command
from tests.integration.kafka.secure_broker import build_token

NOW = 1_800_000_000.0


def build_jwt(expires_at: float) -> str:
    """A token with this expiry."""
    return "e30." + base64.urlsafe_b64encode(json.dumps({"sub": "u", "exp": expires_at}).encode()).decode().rstrip("=") + ".sig"


class TokenSource:
    """Gives these tokens one after the other; `now` is its clock."""

    def __init__(self, *tokens: str) -> None:
        self.tokens, self.now = list(tokens), NOW

    def read(self) -> str:
        """The next token."""
        return self.tokens.pop(0)


def test_a_token_is_read_again_before_it_expires() -> None:
    first, second = build_jwt(NOW + 100), build_jwt(NOW + 200)
    source = TokenSource(first, second)
    token = CachedToken(source.read, lambda: source.now)
    assert [token.get(), token.get()] == [first, first]
    source.now = NOW + 79
    assert token.get() == first
    source.now = NOW + 80
    assert token.get() == second


@pytest.mark.parametrize("tokens", [("opaque-1", "opaque-2"), (build_jwt(NOW - 5), build_jwt(NOW - 1))])
def test_a_token_without_a_future_expiry_is_read_for_each_connection(tokens: tuple[str, str]) -> None:
    token = CachedToken(TokenSource(*tokens).read, lambda: NOW)
    assert (token.get(), token.get()) == tokens


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.e30.c", "a.W10.c", "e30.eyJleHAiOiAieCJ9.", "\u20ac.\u20ac.\u20ac"])
def test_a_token_without_a_readable_expiry_has_none(token: str) -> None:
    assert decode_expiry(token) == 0.0


def test_the_expiry_of_a_json_web_token_is_read() -> None:
    assert decode_expiry(build_jwt(NOW)) == NOW
    assert decode_expiry(build_token(3600)) > 0


def test_a_token_file_is_read_for_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "token"
    provider = OAuthTokenProvider(lambda: read_token_file(file))
    for token in ("first", "second"):
        file.write_text(f" {token}\n")
        assert asyncio.run(provider.token()) == token
    file.write_text("")
    with pytest.raises(TokenError, match=r"kafka.security.token_file: .* is empty"):
        asyncio.run(provider.token())
    file.unlink()
    with pytest.raises(TokenError, match=r"kafka.security.token_file: .* cannot be read"):
        asyncio.run(provider.token())


def test_a_command_prints_the_token() -> None:
    assert run_token_command([sys.executable, "-c", "print('the-token')"]) == "the-token"


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("import sys; print('pw-9f3k'); sys.exit('pw-9f3k')", "exit code 1"),
        ("pass", "printed nothing"),
        ("import time; time.sleep(60)", "did not end"),
    ],
)
def test_a_command_that_fails_is_named_without_its_output(program: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "sleep" in program:
        monkeypatch.setattr("app.kafka.oauth_token.COMMAND_TIMEOUT", 0.1)
    with pytest.raises(TokenError, match=f"kafka.security.token_command: .* {problem}") as raised:
        run_token_command([sys.executable, "-c", program])
    assert "pw-9f3k" not in str(raised.value)


def test_a_command_that_cannot_be_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="cannot be run"):
        run_token_command([str(tmp_path / "none")])
