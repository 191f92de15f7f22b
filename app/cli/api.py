"""The gateway's API as commands use it; what goes wrong becomes a Failure that says what to do."""

from typing import Any
from urllib.parse import quote

import click
import httpx

from app.cli.failures import FAILED, NOT_FOUND, UNREACHABLE, Failure, unreachable

TIMEOUT = 15.0  # seconds
LATER = "try again in a few seconds; `herold topics check` and `herold db check` tell more"

KEYS = {
    "the gateway": "set HEROLD_GATEWAY_API_KEY, or run where `make run` was started",
    "the worker": "set HEROLD_STREAMING_WEB_TOKEN, or run where `make run` was started",
}

Json = Any


class Api:
    """Calls of one server; the answer is its JSON. Its connections close with the command that made it."""

    def __init__(self, url: str, what: str, headers: dict[str, str]) -> None:
        self._what, self._url = what, url
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT)
        click.get_current_context().call_on_close(self._client.close)

    def get(self, path: str, **params: str | int) -> Json:
        """GET; raises Failure for every answer that is no success."""
        return self._asked("GET", path, params=params)

    def post(self, path: str, body: Json, headers: dict[str, str] | None = None) -> Json:
        """POST of JSON; raises Failure for every answer that is no success."""
        return self._asked("POST", path, json=body, headers=headers)

    def _asked(self, method: str, path: str, **more: Any) -> Json:
        try:
            answer = self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise unreachable(self._what, self._url, error) from None
        try:
            body = answer.json()
        except ValueError:
            raise Failure(f"{self._url}{path} answered {answer.status_code} without JSON: is it {self._what}?") from None
        if answer.is_success:
            return body
        raise _failure(self._what, answer.status_code, body)


def _failure(what: str, status: int, body: Json) -> Failure:
    told = body if isinstance(body, dict) else {}
    message = str(told.get("detail") or told.get("error") or told.get("title") or body)
    if status == 401:
        return Failure(f"{what} refused the key: {message}", KEYS.get(what, f"is this the address of {what}?"))
    if status == 404:
        return Failure(message, "ids of notifications begin with ntf_; a new one is known within a second or two", NOT_FOUND)
    if status == 503:
        return Failure(f"{what} cannot do it now: {message}", _after_all(told.get("ids", [])) or LATER, UNREACHABLE)
    return Failure(f"{what} answered {status}: {message}", "", FAILED, status, told.get("errors", ()))


def _after_all(ids: list[str]) -> str:
    """What to do about notifications that Kafka may have although it did not confirm them."""
    first = next(filter(None, ids), "")
    return f"it may go out after all: before you send it again, ask `herold show {first}` in a minute" if first else ""


def gateway(url: str, key: str) -> Api:
    """The gateway; raises Failure if there is no key to show."""
    if not key:
        raise Failure("no API key is known", "set HEROLD_GATEWAY_API_KEY, or start the stack with `make run`")
    return Api(url, "the gateway", {"authorization": f"Bearer {key}"})


def path_of(notification_id: str) -> str:
    """The path of a notification, whatever its id is made of."""
    return f"/v1/notifications/{quote(notification_id, safe='')}"
