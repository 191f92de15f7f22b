"""`python -m dev.stack.fork_server FD MODULE...`: imports the modules once, then forks each service that is asked for.

FD is a socket of whole messages (JSON) whose other end the supervisor holds; when that end is closed, the services that nobody has
waited for are ended, and so is the nursery. A fork does what `python -m` would do in a process of its own, without the imports.
"""

import gc
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from dev.stack.process_registry import get_process_record, wait_until_exited

MAX_MESSAGE_BYTES = 1 << 17  # bytes of a message
STOP_TIMEOUT = 10.0  # seconds that services have to stop when the supervisor has gone
THREADS_DIR = Path("/proc/self/task")
COMM_FILE = Path("/proc/self/comm")


def main() -> None:
    """Import, serve, and in a fork become the service."""
    number, *modules = sys.argv[1:]
    asked = socket.socket(fileno=int(number))
    for module in modules:
        import_module(module)
    if len(list(THREADS_DIR.iterdir())) > 1:
        raise SystemExit(f"one of {', '.join(modules)} starts a thread when it is imported: no fork would have it")
    gc.collect()
    gc.freeze()  # or the collector would write to every page that the forks share
    argv = serve(asked)
    if argv is not None:
        run_module(argv)


def serve(connection: socket.socket) -> list[str] | None:
    """Answer requests until the supervisor has gone (None); in a fork returns the command to become."""
    born: set[int] = set()
    while True:
        message, outputs, _, _ = socket.recv_fds(connection, MAX_MESSAGE_BYTES, 1)
        if not message:
            stop_children(born)
            return None
        request = json.loads(message)
        if "wait_pid" in request:
            _send_response(connection, request, exit_code=_reap_child(request["wait_pid"], born))
            continue
        pid = os.fork()
        if pid == 0:
            _initialize_child(connection, request, outputs[0])
            return list(request["argv"])
        born.add(pid)
        os.close(outputs[0])


def _initialize_child(connection: socket.socket, request: dict[str, Any], output_fd: int) -> None:
    """In a fork: a session, an output and an environment of its own; it tells of itself, so that a known pid has all this."""
    os.setsid()
    for number in (1, 2):
        os.dup2(output_fd, number)
    os.close(output_fd)
    os.environ.update(request["env"])
    COMM_FILE.write_text(request["name"][:15])  # what `top` and `ps -o comm` show; the command line stays the nursery's
    _send_response(connection, request, pid=os.getpid())
    connection.close()


def run_module(argv: list[str]) -> None:
    """Do what `python -m MODULE ...` does."""
    _, _, module, *words = argv
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def stop_children(child_pids: Iterable[int]) -> None:
    """End the services that are left: SIGTERM, and SIGKILL after PATIENCE."""
    left = [get_process_record(pid) for pid in child_pids]
    for pid in child_pids:
        os.kill(pid, signal.SIGTERM)  # ours and not waited for: the pid cannot be anybody else's
    wait_until_exited(left, STOP_TIMEOUT)
    for pid in child_pids:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _reap_child(pid: int, child_pids: set[int]) -> int:
    """The exit code of a service that the supervisor has seen end."""
    _, status = os.waitpid(pid, 0)
    child_pids.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _send_response(connection: socket.socket, request: dict[str, Any], **answer: int) -> None:
    with suppress(OSError):  # the supervisor has gone: the next message says so
        connection.send(json.dumps({"request_id": request["request_id"], **answer}).encode())


if __name__ == "__main__":
    main()
