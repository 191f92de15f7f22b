"""The sessions of the person who runs commands: one for each gateway, in a file that only this person can read."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct, ValidationError, convert, structs, to_builtins

from app.cli.errors import CommandError, build_unreachable_error
from app.private_file import write_private_file
from app.tls_files import build_verifying_context

REQUEST_TIMEOUT = 15.0  # seconds
MARGIN = 30.0  # seconds before its end in which an access token is exchanged
CA_FILE_KEY = "gateway.tls_ca_file"
REFRESH_PATH = "/v1/auth/refresh"
AGAIN = "log in again with `herold login`, or remove the session with `herold logout`"


class StoredSession(Struct, frozen=True):
    """A session with its tokens, and the cookie of this device; `expires_at`: of the access token, in epoch seconds.

    `project`: what tokens are for; None for the first one of the account.
    """

    email: str
    access_token: str
    refresh_token: str
    expires_at: float
    device: dict[str, str] = {}
    project: str | None = None


def find_session_file(env: Mapping[str, str] | None = None) -> Path:
    """HEROLD_SESSION_FILE, else herold/sessions.json in the directory for settings of programs."""
    env = os.environ if env is None else env
    if env.get("HEROLD_SESSION_FILE"):
        return Path(env["HEROLD_SESSION_FILE"])
    return Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "herold" / "sessions.json"


def load_sessions(file: Path) -> dict[str, StoredSession]:
    """The sessions by the gateway's URL. Raises CommandError for a file that cannot be read."""
    try:
        return convert(json.loads(file.read_text()), dict[str, StoredSession])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, ValidationError) as error:
        raise CommandError(f"{file} cannot be read: {type(error).__name__}", f"delete it: {AGAIN}") from None


def store_session(file: Path, url: str, session: StoredSession | None) -> None:
    """Write the session of a gateway, or remove it. Raises CommandError if the file cannot be written."""
    sessions = {**load_sessions(file), url: session}
    kept = {one: to_builtins(value) for one, value in sessions.items() if value is not None}
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private_file(file, json.dumps(kept, indent=1) + "\n")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}", "set HEROLD_SESSION_FILE to a path of your own") from None


def get_access_token(url: str, ca_file: str = "", file: Path | None = None) -> str:
    """An access token of the person's session at this gateway; empty without one.

    It is exchanged when it ends. Raises CommandError if the session has ended, or the gateway does not answer.
    """
    path = file or find_session_file()
    session = load_sessions(path).get(url)
    if session is None:
        return ""
    if session.expires_at - MARGIN > time.time():
        return session.access_token
    response = post(url, REFRESH_PATH, {"refresh_token": session.refresh_token, "project": session.project}, ca_file)
    if response.status_code != 200:
        raise CommandError(f"the session of {session.email} at {url} has ended", AGAIN)
    refreshed = read_session(session.email, response, session.device, session.project)
    store_session(path, url, refreshed)
    return refreshed.access_token


def read_session(email: str, response: httpx.Response, device: dict[str, str], project: str | None) -> StoredSession:
    """The session in the answer to a login or refresh."""
    body = response.json()
    expires_at = time.time() + body["expires_in"]
    found = {name: value for name, value in response.cookies.items() if name.endswith("herold_device")}
    return StoredSession(email, body["access_token"], body["refresh_token"], expires_at, found or device, project)


def post(url: str, path: str, body: Any, ca_file: str = "", device: Mapping[str, str] | None = None) -> httpx.Response:
    """The answer to a request without a key; `ca_file` as in ApiClient. Raises CommandError if the gateway does not answer."""
    tls = build_verifying_context(CA_FILE_KEY, ca_file) if ca_file else True
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in (device or {}).items())} if device else {}
    try:
        with httpx.Client(base_url=url, timeout=REQUEST_TIMEOUT, trust_env=False, verify=tls) as client:
            return client.post(path, json=body, headers={"user-agent": "herold-cli", **headers})
    except httpx.HTTPError as error:
        raise build_unreachable_error("the gateway", url, error) from None


def describe_session(session: StoredSession) -> dict[str, Any]:
    """A session without its tokens."""
    return {"email": session.email, "access_token_expires_at": structs.asdict(session)["expires_at"]}
