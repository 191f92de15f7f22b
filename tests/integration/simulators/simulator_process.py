"""Runs the simulators as a process, and builds and sends requests to them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec

from agents.providers.http import PooledHttpClient
from schemas.http import HttpRequest, HttpResult

SIZE_LIMITED_COMMAND = (
    "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); runpy.run_module('dev.simulators', run_name='__main__')"
)


class SimulatorProcess:
    """Runs `python -m dev.simulators` on a free port; `origin` is its URL; `max_bytes` limits the size of its files (0: no limit).

    `arguments` are further ones of the command, `env` further variables of its environment.
    """

    def __init__(self, log_path: Path, *, max_bytes: int = 0, arguments: Sequence[str] = (), env: Mapping[str, str] | None = None) -> None:
        self.log_path = log_path
        program = ["-c", SIZE_LIMITED_COMMAND.format(max_bytes)] if max_bytes else ["-m", "dev.simulators"]
        command = [sys.executable, *program, "--port", "0", "--request-log", str(log_path), *arguments]
        environment = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.origin = line.removeprefix("simulators listen on ").strip()

    def fetch(self, path: str, method: str = "GET") -> Any:
        """Fetch a resource of the simulators' own API: JSON decoded, NDJSON as bytes."""
        with urlopen(Request(self.origin + path, method=method)) as response:
            content = response.read()
        return content if response.headers["Content-Type"] == "application/x-ndjson" else msgspec.json.decode(content)

    def stop(self, *, kill: bool = False) -> int:
        """Stop the process with SIGTERM or SIGKILL; return its exit code."""
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.communicate()
        return self.process.returncode


def build_mail_request(origin: str, to: str, delivery_id: str, api_key: str = "key", **fields: Any) -> HttpRequest:
    """Build a SendGrid request; `fields` replace those of the mail."""
    mail = {
        "personalizations": [{"to": [{"email": to}], "custom_args": {"delivery_id": delivery_id}}],
        "from": {"email": "shop@example.org"},
        "subject": "Shipped",
        "content": [{"type": "text/plain", "value": "On its way."}],
    }
    return _build_request(
        origin, "/v3/mail/send", b"Bearer %b" % api_key.encode(), b"application/json", msgspec.json.encode({**mail, **fields})
    )


def build_sms_request(origin: str, to: str, **fields: str) -> HttpRequest:
    """Build a Twilio request; `fields` replace those of the form, an empty one is left out."""
    form = {"To": to, "From": "+15005550006", "Body": "On its way.", **fields}
    body = urlencode({name: value for name, value in form.items() if value}).encode()
    path = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    return _build_request(origin, path, b"Basic QUMxOnRva2Vu", b"application/x-www-form-urlencoded", body)


def build_push_request(origin: str, token: str, data: Mapping[str, str]) -> HttpRequest:
    """Build an FCM request."""
    body = msgspec.json.encode({"message": {"token": token, "notification": {"title": "Shipped"}, "data": data}})
    return _build_request(origin, "/v1/projects/shop/messages:send", b"Bearer key", b"application/json", body)


def _build_request(origin: str, path: str, authorization: bytes, content_type: bytes, body: bytes) -> HttpRequest:
    head = b"POST %b HTTP/1.1\r\nHost: simulator\r\nAuthorization: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    return HttpRequest(origin, head % (path.encode(), authorization, content_type, len(body)), body)


def build_webhook_request(origin: str, path: str, delivery_id: str, body: bytes = b"{}") -> HttpRequest:
    """Build a webhook request."""
    head = f"POST /hooks/{path} HTTP/1.1\r\nHost: simulator\r\nContent-Type: application/json\r\n"
    head += f"webhook-id: {delivery_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    return HttpRequest(origin, head.encode(), body)


async def send_all(client: PooledHttpClient, *requests: HttpRequest) -> list[HttpResult]:
    """Send all requests at once; return the results in the order of the requests."""
    loop = asyncio.get_running_loop()
    results: list[asyncio.Future[HttpResult]] = [loop.create_future() for _ in requests]
    for request, result in zip(requests, results, strict=True):
        client.send(request, result.set_result)
    return await asyncio.gather(*results)
