"""The simulators as a process of their own."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec

from agents.providers.http import PooledHttpClient
from schemas.ports import HttpRequest, HttpResult

SIZE_LIMITED_COMMAND = (
    "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); runpy.run_module('dev.simulators', run_name='__main__')"
)


class SimulatorProcess:
    """Runs `python -m dev.simulators` on a free port; `origin` is where it listens."""

    def __init__(self, log_path: Path, *, max_bytes: int = 0) -> None:
        self.log_path = log_path
        how = ["-c", SIZE_LIMITED_COMMAND.format(max_bytes)] if max_bytes else ["-m", "dev.simulators"]
        command = [sys.executable, *how, "--port", "0", "--request-log", str(log_path)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.origin = line.removeprefix("simulators listen on ").strip()

    def fetch(self, path: str, method: str = "GET") -> Any:
        """What the simulators say of themselves."""
        with urlopen(Request(self.origin + path, method=method)) as reply:
            content = reply.read()
        return content if reply.headers["Content-Type"] == "application/x-ndjson" else msgspec.json.decode(content)

    def stop(self, *, kill: bool = False) -> int:
        """End it, the polite way or not; returns its exit code."""
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.communicate()
        return self.process.returncode


def build_mail_request(origin: str, to: str, delivery: str) -> HttpRequest:
    """A SendGrid request."""
    body = msgspec.json.encode(
        {
            "personalizations": [{"to": [{"email": to}], "custom_args": {"delivery_id": delivery}}],
            "from": {"email": "shop@example.org"},
            "subject": "Shipped",
            "content": [{"type": "text/plain", "value": "On its way."}],
        }
    )
    head = b"POST /v3/mail/send HTTP/1.1\r\nHost: simulator\r\nAuthorization: Bearer key\r\nContent-Length: %d\r\n\r\n"
    return HttpRequest(origin, head % len(body), body)


def build_webhook_request(origin: str, path: str, delivery: str, body: bytes = b"{}") -> HttpRequest:
    """A webhook request."""
    head = f"POST /hooks/{path} HTTP/1.1\r\nHost: simulator\r\nwebhook-id: {delivery}\r\nContent-Length: {len(body)}\r\n\r\n"
    return HttpRequest(origin, head.encode(), body)


async def send_all(client: PooledHttpClient, *requests: HttpRequest) -> list[HttpResult]:
    """The answers, in the order of the requests, which go out at once."""
    loop = asyncio.get_running_loop()
    answers: list[asyncio.Future[HttpResult]] = [loop.create_future() for _ in requests]
    for request, answer in zip(requests, answers, strict=True):
        client.send(request, answer.set_result)
    return await asyncio.gather(*answers)
