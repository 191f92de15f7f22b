"""An HTTP server for tests."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from app.api.middleware import AsgiApp


@contextmanager
def serve_asgi(app: AsgiApp) -> Iterator[int]:
    """Serve the app on a free port of 127.0.0.1 and yield the port; it accepts connections at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
