"""`python -m app.local.nursery FD MODULE...`: imports the modules once, then forks each service that is asked for.

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

from app.local.processes import await_end, recorded

LONGEST = 1 << 17  # bytes of a message
PATIENCE = 10.0  # seconds that services have to stop when the supervisor has gone
TASKS = Path("/proc/self/task")
COMM = Path("/proc/self/comm")


def main() -> None:
    """Import, serve, and in a fork become the service."""
    number, *modules = sys.argv[1:]
    asked = socket.socket(fileno=int(number))
    for module in modules:
        import_module(module)
    if len(list(TASKS.iterdir())) > 1:
        raise SystemExit(f"one of {', '.join(modules)} starts a thread when it is imported: no fork would have it")
    gc.collect()
    gc.freeze()  # or the collector would write to every page that the forks share
    argv = serve(asked)
    if argv is not None:
        live(argv)


def serve(asked: socket.socket) -> list[str] | None:
    """Answer requests until the supervisor has gone (None); in a fork returns the command to become."""
    born: set[int] = set()
    while True:
        message, outputs, _, _ = socket.recv_fds(asked, LONGEST, 1)
        if not message:
            end(born)
            return None
        request = json.loads(message)
        if "wait" in request:
            _tell(asked, request, code=_code_of(request["wait"], born))
            continue
        pid = os.fork()
        if pid == 0:
            _move_out(asked, request, outputs[0])
            return list(request["argv"])
        born.add(pid)
        os.close(outputs[0])


def _move_out(asked: socket.socket, request: dict[str, Any], output: int) -> None:
    """In a fork: a session, an output and an environment of its own; it tells of itself, so that a known pid has all this."""
    os.setsid()
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    os.environ.update(request["env"])
    COMM.write_text(request["name"][:15])  # what `top` and `ps -o comm` show; the command line stays the nursery's
    _tell(asked, request, pid=os.getpid())
    asked.close()


def live(argv: list[str]) -> None:
    """Do what `python -m MODULE ...` does."""
    _, _, module, *words = argv
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def end(born: Iterable[int]) -> None:
    """End the services that are left: SIGTERM, and SIGKILL after PATIENCE."""
    left = [recorded(pid) for pid in born]
    for pid in born:
        os.kill(pid, signal.SIGTERM)  # ours and not waited for: the pid cannot be anybody else's
    await_end(left, PATIENCE)
    for pid in born:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _code_of(pid: int, born: set[int]) -> int:
    """The exit code of a service that the supervisor has seen end."""
    _, status = os.waitpid(pid, 0)
    born.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _tell(asked: socket.socket, request: dict[str, Any], **answer: int) -> None:
    with suppress(OSError):  # the supervisor has gone: the next message says so
        asked.send(json.dumps({"number": request["number"], **answer}).encode())


if __name__ == "__main__":
    main()
