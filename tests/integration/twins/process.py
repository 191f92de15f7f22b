"""The twins as a process of their own."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec

from agents.providers.http import PoolClient
from schemas.ports import Answer, Prepared

LIMITED = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); runpy.run_module('twins', run_name='__main__')"


class TwinProcess:
    """Runs `python -m twins` on a free port; `origin` is where it listens."""

    def __init__(self, ledger: Path, *, most_bytes: int = 0) -> None:
        self.ledger = ledger
        how = ["-c", LIMITED.format(most_bytes)] if most_bytes else ["-m", "twins"]
        command = [sys.executable, *how, "--port", "0", "--ledger", str(ledger)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.origin = line.removeprefix("twins listen on ").strip()

    def ask(self, path: str, method: str = "GET") -> Any:
        """What the twins say of themselves."""
        with urlopen(Request(self.origin + path, method=method)) as reply:
            content = reply.read()
        return content if reply.headers["Content-Type"] == "application/x-ndjson" else msgspec.json.decode(content)

    def end(self, *, kill: bool = False) -> int:
        """End it, the polite way or not; returns its exit code."""
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.communicate()
        return self.process.returncode


def mail(origin: str, to: str, delivery: str) -> Prepared:
    """A SendGrid request."""
    body = msgspec.json.encode(
        {
            "personalizations": [{"to": [{"email": to}], "custom_args": {"delivery_id": delivery}}],
            "from": {"email": "shop@example.org"},
            "subject": "Shipped",
            "content": [{"type": "text/plain", "value": "On its way."}],
        }
    )
    head = b"POST /v3/mail/send HTTP/1.1\r\nHost: twin\r\nAuthorization: Bearer key\r\nContent-Length: %d\r\n\r\n"
    return Prepared(origin, head % len(body), body)


def hook(origin: str, path: str, delivery: str, body: bytes = b"{}") -> Prepared:
    """A webhook request."""
    head = f"POST /hooks/{path} HTTP/1.1\r\nHost: twin\r\nwebhook-id: {delivery}\r\nContent-Length: {len(body)}\r\n\r\n"
    return Prepared(origin, head.encode(), body)


async def send(client: PoolClient, *requests: Prepared) -> list[Answer]:
    """The answers, in the order of the requests, which go out at once."""
    loop = asyncio.get_running_loop()
    answers: list[asyncio.Future[Answer]] = [loop.create_future() for _ in requests]
    for request, answer in zip(requests, answers, strict=True):
        client.send(request, answer.set_result)
    return await asyncio.gather(*answers)
