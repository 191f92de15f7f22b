"""Runs the simulators as a process, and builds and sends requests to them."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec

from agents.providers.http import PooledHttpClient
from schemas.http import HttpRequest, HttpResult

SIZE_LIMITED_COMMAND = (
    "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); runpy.run_module('dev.simulators', run_name='__main__')"
)


class SimulatorProcess:
    """Runs `python -m dev.simulators` on a free port; `origin` is its URL; `max_bytes` limits the size of its files (0: no limit)."""

    def __init__(self, log_path: Path, *, max_bytes: int = 0) -> None:
        self.log_path = log_path
        program = ["-c", SIZE_LIMITED_COMMAND.format(max_bytes)] if max_bytes else ["-m", "dev.simulators"]
        command = [sys.executable, *program, "--port", "0", "--request-log", str(log_path)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
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


def build_mail_request(origin: str, to: str, delivery_id: str) -> HttpRequest:
    """Build a SendGrid request."""
    body = msgspec.json.encode(
        {
            "personalizations": [{"to": [{"email": to}], "custom_args": {"delivery_id": delivery_id}}],
            "from": {"email": "shop@example.org"},
            "subject": "Shipped",
            "content": [{"type": "text/plain", "value": "On its way."}],
        }
    )
    head = b"POST /v3/mail/send HTTP/1.1\r\nHost: simulator\r\nAuthorization: Bearer key\r\nContent-Length: %d\r\n\r\n"
    return HttpRequest(origin, head % len(body), body)


def build_webhook_request(origin: str, path: str, delivery_id: str, body: bytes = b"{}") -> HttpRequest:
    """Build a webhook request."""
    head = f"POST /hooks/{path} HTTP/1.1\r\nHost: simulator\r\nwebhook-id: {delivery_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    return HttpRequest(origin, head.encode(), body)


async def send_all(client: PooledHttpClient, *requests: HttpRequest) -> list[HttpResult]:
    """Send all requests at once; return the results in the order of the requests."""
    loop = asyncio.get_running_loop()
    results: list[asyncio.Future[HttpResult]] = [loop.create_future() for _ in requests]
    for request, result in zip(requests, results, strict=True):
        client.send(request, result.set_result)
    return await asyncio.gather(*results)
