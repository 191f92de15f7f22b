"""An HTTP server that receives the simulators' callbacks in place of the gateway, and answers with given statuses."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

TIMEOUT = 60.0  # seconds for a callback that must come


class ReceivedCallback(NamedTuple):
    """One request: its path with the query, its headers in lower case, its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class CallbackReceiver:
    """Answers with the next of `statuses`, then with 204; `origin` is its URL."""

    def __init__(self, *statuses: int) -> None:
        self.received: Queue[ReceivedCallback] = Queue()
        self.statuses = list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.put(ReceivedCallback(self.path, headers, body))

            def log_request(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def get(self) -> ReceivedCallback:
        """Wait for the next callback. Raises queue.Empty."""
        return self.received.get(timeout=TIMEOUT)

    def get_events(self, count: int) -> list[dict[str, Any]]:
        """Wait for a number of SendGrid's events, in the order in which they came."""
        events: list[dict[str, Any]] = []
        while len(events) < count:
            events += self.get().json
        return events

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
