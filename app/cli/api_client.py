"""The gateway's API as commands use it; what goes wrong becomes a Failure that says what to do."""

from typing import Any
from urllib.parse import quote

import click
import httpx

from app.cli.errors import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_UNREACHABLE, CommandError, build_unreachable_error

REQUEST_TIMEOUT = 15.0  # seconds
RETRY_ADVICE = "try again in a few seconds; `herold topics check` and `herold db check` tell more"

CREDENTIAL_ADVICE = {
    "the gateway": "set HEROLD_GATEWAY_API_KEY, or run where `make run` was started",
    "the worker": "set HEROLD_WORKER_WEB_TOKEN, or run where `make run` was started",
}

JsonValue = Any


class ApiClient:
    """Calls of one server; the answer is its JSON. Its connections close with the command that made it."""

    def __init__(self, url: str, server_name: str, headers: dict[str, str]) -> None:
        self._server_name, self._url = server_name, url
        self._client = httpx.Client(base_url=url, headers=headers, timeout=REQUEST_TIMEOUT)
        click.get_current_context().call_on_close(self._client.close)

    def get(self, path: str, **params: str | int) -> JsonValue:
        """GET; raises Failure for every answer that is no success."""
        return self._request("GET", path, params=params)

    def post(self, path: str, body: JsonValue, headers: dict[str, str] | None = None) -> JsonValue:
        """POST of JSON; raises Failure for every answer that is no success."""
        return self._request("POST", path, json=body, headers=headers)

    def _request(self, method: str, path: str, **more: Any) -> JsonValue:
        try:
            answer = self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise build_unreachable_error(self._server_name, self._url, error) from None
        try:
            body = answer.json()
        except ValueError:
            raise CommandError(f"{self._url}{path} answered {answer.status_code} without JSON: is it {self._server_name}?") from None
        if answer.is_success:
            return body
        raise _build_error(self._server_name, answer.status_code, body)


def _build_error(server_name: str, status: int, body: JsonValue) -> CommandError:
    told = body if isinstance(body, dict) else {}
    message = str(told.get("detail") or told.get("error") or told.get("title") or body)
    if status == 401:
        return CommandError(
            f"{server_name} refused the key: {message}", CREDENTIAL_ADVICE.get(server_name, f"is this the address of {server_name}?")
        )
    if status == 404:
        return CommandError(message, "ids of notifications begin with ntf_; a new one is known within a second or two", EXIT_NOT_FOUND)
    if status == 503:
        return CommandError(
            f"{server_name} cannot do it now: {message}", _build_unconfirmed_advice(told.get("ids", [])) or RETRY_ADVICE, EXIT_UNREACHABLE
        )
    return CommandError(f"{server_name} answered {status}: {message}", "", EXIT_FAILED, status, told.get("errors", ()))


def _build_unconfirmed_advice(ids: list[str]) -> str:
    """What to do about notifications that Kafka may have although it did not confirm them."""
    first = next(filter(None, ids), "")
    return f"it may go out after all: before you send it again, ask `herold show {first}` in a minute" if first else ""


def build_gateway_client(url: str, key: str) -> ApiClient:
    """The gateway; raises Failure if there is no key to show."""
    if not key:
        raise CommandError("no API key is known", "set HEROLD_GATEWAY_API_KEY, or start the stack with `make run`")
    return ApiClient(url, "the gateway", {"authorization": f"Bearer {key}"})


def build_notification_path(notification_id: str) -> str:
    """The path of a notification, whatever its id is made of."""
    return f"/v1/notifications/{quote(notification_id, safe='')}"
