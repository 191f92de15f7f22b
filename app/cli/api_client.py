"""Clients of the gateway and of workers, on the transport of the Python client; every failure becomes a CommandError with advice."""

import getpass
import os
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

import click
import httpx
from herold_client.errors import NotJsonError, ProblemError, UnreachableError
from herold_client.requests import Request, Value, encode_body, format_version
from herold_client.transport import Transport

from app.cli.connection_profile import load_connection_profile
from app.cli.errors import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_UNREACHABLE, CommandError, build_unreachable_error
from app.cli.output import JsonValue
from app.cli.session_file import get_access_token
from app.tls_files import build_verifying_context
from schemas.ids import is_id

REQUEST_TIMEOUT = 15.0  # seconds
RETRY_ADVICE = "try again in a few seconds; `herold topics check` and `herold db check` show the state of the servers"
NOTIFICATIONS_PATH = "/v1/notifications/"
UNKNOWN_ID_ADVICE = "a new notification is known after a second or two; history is dropped after postgres.retention_days"
NO_SUCH_PATH = "no such path; see /docs"
AMBIGUOUS_ID_TYPE = "/docs#ambiguous-id"
NO_ID_ADVICE = "the response to a submission has the id, and `herold list USER` shows it"
CREDENTIAL_ADVICE = {
    "the gateway": "set HEROLD_GATEWAY_API_KEY, or run in the directory where `make run` was started",
    "the worker": "set HEROLD_WORKER_WEB_TOKEN, or run in the directory where `make run` was started",
}

CA_FILE_KEYS = {"the gateway": "gateway.tls_ca_file", "the worker": "worker.web_tls_ca_file"}


class ApiClient:
    """Sends requests to one server and returns its JSON; the connections close with the current command."""

    def __init__(self, url: str, server_name: str, headers: dict[str, str], ca_file: str = "") -> None:
        """`ca_file`: the certificates of the authorities that sign the server's; empty: those of the system."""
        self._server_name, self._url = server_name, url
        # no proxy of the environment: the servers are our own, on this host or in the cluster; ~/.netrc must not replace the key
        tls = build_verifying_context(CA_FILE_KEYS[server_name], ca_file) if ca_file else True
        http = httpx.Client(timeout=REQUEST_TIMEOUT, trust_env=False, verify=tls)
        self._transport = Transport(url, headers=headers, http=http)
        click.get_current_context().call_on_close(self._transport.close)

    def get(self, path: str, **params: Value) -> JsonValue:
        """GET. Raises CommandError for every response that is not a success."""
        return self._request(Request("GET", path, query=params))

    def post(self, path: str, body: JsonValue, headers: Mapping[str, bytes] | None = None) -> JsonValue:
        """POST of JSON. Raises CommandError for every response that is not a success."""
        return self._request(Request("POST", path, headers=headers or {}, body=_encode_body(body)))

    def change(
        self, method: Literal["PUT", "PATCH", "POST"], path: str, body: JsonValue, version: int | None = None, **params: str
    ) -> JsonValue:
        """PUT, PATCH or POST of JSON, with If-Match for a version that was read. Raises CommandError as `get` does."""
        return self._request(Request(method, path, query=params, headers=build_if_match(version), body=_encode_body(body)))

    def delete(self, path: str, version: int | None = None, **params: str) -> JsonValue:
        """DELETE, with If-Match for a version that was read. Raises CommandError as `get` does."""
        return self._request(Request("DELETE", path, query=params, headers=build_if_match(version)))

    def _request(self, request: Request) -> JsonValue:
        try:
            return self._transport.fetch_json(request)
        except UnreachableError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error.cause) and (key := CA_FILE_KEYS.get(self._server_name)):
                message = f"the certificate of {self._server_name} at {self._url} is not accepted ({error.cause})"
                raise CommandError(message, f"use a name of the certificate, and set {key} for its authority", EXIT_UNREACHABLE) from None
            raise build_unreachable_error(self._server_name, self._url, error.cause) from None
        except NotJsonError as error:
            message = f"{error.url} responded with {error.status} and a body that is not JSON"
            raise CommandError(message, f"check that this is the address of {self._server_name}") from None
        except ProblemError as error:
            raise _build_error(self._server_name, request.path, error.status, error.body) from None


def build_if_match(version: int | None) -> dict[str, str | None]:
    """The header for a change of this version; none without one."""
    return {"if-match": format_version(version)}


def _encode_body(body: JsonValue) -> bytes:
    try:
        return encode_body(body)
    except UnicodeEncodeError:
        raise CommandError("an option is not UTF-8, so it cannot be sent", "give it in UTF-8; check LANG and the terminal") from None


def _build_error(server_name: str, path: str, status: int, body: JsonValue) -> CommandError:
    problem = body if isinstance(body, dict) else {}
    message = str(problem.get("detail") or problem.get("error") or problem.get("title") or body)
    if status == 401:
        advice = CREDENTIAL_ADVICE.get(server_name, f"check that this is the address of {server_name}")
        return CommandError(f"{server_name} rejected the key: {message}", advice)
    if status == 404:
        return CommandError(message, _build_not_found_advice(server_name, path, message), EXIT_NOT_FOUND)
    if problem.get("type") == AMBIGUOUS_ID_TYPE:
        return CommandError(message, "name the user with --user", EXIT_FAILED, status)
    if status == 503:
        advice = _build_unconfirmed_advice(problem.get("ids", [])) or RETRY_ADVICE
        return CommandError(f"{server_name} is unavailable: {message}", advice, EXIT_UNREACHABLE)
    return CommandError(f"{server_name} responded with {status}: {message}", "", EXIT_FAILED, status, problem.get("errors", ()))


def _build_not_found_advice(server_name: str, path: str, message: str) -> str:
    if path.startswith("/v1/") and not path.startswith(NOTIFICATIONS_PATH) and message != NO_SUCH_PATH:
        return ""  # the message says what there is not
    if not path.startswith(NOTIFICATIONS_PATH):
        return f"check that this is the address of {server_name}"
    return UNKNOWN_ID_ADVICE if is_id(path.removeprefix(NOTIFICATIONS_PATH).partition("/")[0]) else NO_ID_ADVICE


def _build_unconfirmed_advice(ids: list[str]) -> str:
    """What to do about notifications that may be in Kafka although it did not confirm them; empty without ids."""
    notification_id = next(filter(None, ids), "")
    return f"it may still be sent: check `herold show {notification_id}` in a minute before you submit it again" if notification_id else ""


def load_operator_client(url: str | None, api_key: str | None) -> ApiClient:
    """A client of the gateway that names the operator, for the histories of changes. Raises CommandError as load_gateway_client does."""
    return load_gateway_client(url, api_key, {"herold-source": "cli", "herold-actor": get_operator().encode("ascii", "replace").decode()})


def get_operator() -> str:
    """The name of the user who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in a container
        return f"uid {os.getuid()}"


def load_gateway_client(url: str | None, api_key: str | None, headers: Mapping[str, str] | None = None) -> ApiClient:
    """A client of the gateway, with the key, the session of `herold login`, or the key of the connection profile.

    Raises CommandError without any of them, and for a session that has ended.
    """
    profile = load_connection_profile()
    gateway_url = url or profile.gateway_url
    key = api_key or get_access_token(gateway_url, profile.gateway_ca_file) or profile.api_key
    if not key:
        raise CommandError("no API key is set", "set HEROLD_GATEWAY_API_KEY, run `herold login`, or start the stack with `make run`")
    all_headers = {"authorization": f"Bearer {key}", **(headers or {})}
    return ApiClient(gateway_url, "the gateway", all_headers, profile.gateway_ca_file)


def build_notification_path(notification_id: str) -> str:
    """The path of a notification; characters that have a meaning in URLs are quoted."""
    return NOTIFICATIONS_PATH + quote(notification_id, safe="")
