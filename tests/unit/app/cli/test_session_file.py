"""The file with the sessions of the person who runs commands."""

import json
import stat
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.cli import session_file
from app.cli.errors import CommandError
from app.cli.session_file import StoredSession, find_session_file, get_access_token, load_sessions, store_session

URL = "http://127.0.0.1:1"  # tcpmux: nothing listens there


def build_session(seconds: float = 900, **fields: Any) -> StoredSession:
    """A session whose access token ends in so many seconds."""
    return StoredSession("ada@example.org", "access", "refresh", time.time() + seconds, **fields)


def test_the_file_is_where_programs_keep_their_settings() -> None:
    assert find_session_file({"HEROLD_SESSION_FILE": "/x/s.json", "XDG_CONFIG_HOME": "/y"}) == Path("/x/s.json")
    assert find_session_file({"XDG_CONFIG_HOME": "/y"}) == Path("/y/herold/sessions.json")
    assert find_session_file({}) == Path.home() / ".config/herold/sessions.json"


def test_sessions_are_kept_by_gateway_in_a_file_that_only_the_person_reads(tmp_path: Path) -> None:
    file = tmp_path / "config" / "sessions.json"
    first, second = build_session(project="shop"), build_session(device={"herold_device": "x"})
    store_session(file, "http://one", first)
    store_session(file, "http://two", second)
    assert load_sessions(file) == {"http://one": first, "http://two": second}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    store_session(file, "http://one", None)
    assert list(load_sessions(file)) == ["http://two"]


@pytest.mark.parametrize("text", ["{", "[]", '{"http://one": {}}', '{"http://one": {"email": 1}}'])
def test_a_damaged_file_is_an_error_that_does_not_show_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sessions.json"
    file.write_text(text)
    with pytest.raises(CommandError, match="cannot be read") as error:
        load_sessions(file)
    assert text not in str(error.value)


def test_a_token_is_used_until_shortly_before_its_end(tmp_path: Path) -> None:
    file = tmp_path / "sessions.json"
    assert get_access_token(URL, file=file) == ""
    store_session(file, URL, build_session())
    assert get_access_token(URL, file=file) == "access"
    store_session(file, URL, build_session(seconds=10))
    with pytest.raises(CommandError, match="gateway"):
        get_access_token(URL, file=file)


def test_a_token_is_exchanged_for_the_same_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, sent = tmp_path / "sessions.json", []

    def answer(url: str, path: str, body: Any, ca_file: str) -> httpx.Response:
        sent.append((url, path, body))
        return httpx.Response(
            200, json={"access_token": "new", "refresh_token": "next", "expires_in": 900}, request=httpx.Request("POST", url)
        )

    monkeypatch.setattr(session_file, "post", answer)
    store_session(file, URL, build_session(seconds=0, project="shop", device={"herold_device": "x"}))
    assert get_access_token(URL, file=file) == "new"
    assert sent == [(URL, "/v1/auth/refresh", {"refresh_token": "refresh", "project": "shop"})]
    stored = json.loads(file.read_text())[URL]
    assert (stored["refresh_token"], stored["project"], stored["device"]) == ("next", "shop", {"herold_device": "x"})
