"""`python -m dev.stack.fork_server FD MODULE...`: imports the modules once, then forks a process for each requested service.

FD is a SOCK_SEQPACKET socket to the supervisor; each message is a JSON object. When the supervisor closes its end, the fork server stops
the services whose exit code was not read, and exits. A fork runs a module as `python -m` does, without the time for the imports.
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

MAX_MESSAGE_BYTES = 1 << 17
STOP_TIMEOUT = 10.0  # seconds in which services must stop after the supervisor has disconnected
THREADS_DIR = Path("/proc/self/task")
COMM_FILE = Path("/proc/self/comm")


def main() -> None:
    """Import the modules and serve; in a fork, run the service."""
    fd, *modules = sys.argv[1:]
    connection = socket.socket(fileno=int(fd))
    for module in modules:
        import_module(module)
    if len(list(THREADS_DIR.iterdir())) > 1:
        raise SystemExit(f"one of {', '.join(modules)} starts a thread when it is imported: a fork would not have the thread")
    gc.collect()
    gc.freeze()  # otherwise the collector would write to the pages that the forks share
    argv = serve(connection)
    if argv is not None:
        run_module(argv)


def serve(connection: socket.socket) -> list[str] | None:
    """Answer requests until the supervisor disconnects, then return None; in a fork, return the argv of the service."""
    child_pids: set[int] = set()
    while True:
        message, outputs, _, _ = socket.recv_fds(connection, MAX_MESSAGE_BYTES, 1)
        if not message:
            stop_children(child_pids)
            return None
        request = json.loads(message)
        if "wait_pid" in request:
            _send_response(connection, request, exit_code=_reap_child(request["wait_pid"], child_pids))
            continue
        pid = os.fork()
        if pid == 0:
            _initialize_child(connection, request, outputs[0])
            return list(request["argv"])
        child_pids.add(pid)
        os.close(outputs[0])


def _initialize_child(connection: socket.socket, request: dict[str, Any], output_fd: int) -> None:
    """In a fork: set session, output and environment, then send the pid, so that the supervisor gets the pid of an initialized process."""
    os.setsid()
    for fd in (1, 2):
        os.dup2(output_fd, fd)
    os.close(output_fd)
    os.environ.update(request["env"])
    COMM_FILE.write_text(request["name"][:15])  # shown by `top` and `ps -o comm`; the command line stays that of the fork server
    _send_response(connection, request, pid=os.getpid())
    connection.close()


def run_module(argv: list[str]) -> None:
    """Run a module as `python -m MODULE ...` does."""
    _, _, module, *arguments = argv
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def stop_children(child_pids: Iterable[int]) -> None:
    """Stop the remaining services: SIGTERM, and SIGKILL after STOP_TIMEOUT."""
    records = [get_process_record(pid) for pid in child_pids]
    for pid in child_pids:
        os.kill(pid, signal.SIGTERM)  # a child that was not waited for: its pid cannot be reused
    wait_until_exited(records, STOP_TIMEOUT)
    for pid in child_pids:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _reap_child(pid: int, child_pids: set[int]) -> int:
    """The exit code of a service that has exited."""
    _, status = os.waitpid(pid, 0)
    child_pids.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _send_response(connection: socket.socket, request: dict[str, Any], **response: int) -> None:
    with suppress(OSError):  # the supervisor has disconnected: the next `recv` returns nothing
        connection.send(json.dumps({"request_id": request["request_id"], **response}).encode())


if __name__ == "__main__":
    main()
