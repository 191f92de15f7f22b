"""Several gateway processes on one port: each has a listening socket of its own, and the kernel spreads the connections over them."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

from app.forced_exit import exit_now
from app.telemetry import log_event

RESTART_DELAY: Final = 1.0  # seconds
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def bind_sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """As many sockets with one address as there are processes. Raises OSError if another program uses it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as exclusive:  # a socket with SO_REUSEPORT would share the port with those of another gateway
        exclusive.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        exclusive.bind((host, port))
    sockets: list[socket.socket] = []
    for _ in range(count):
        sockets.append(socket.socket(family))
        sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sockets[-1].bind((host, sockets[0].getsockname()[1] if len(sockets) > 1 else port))
    return sockets


class ProcessGroup:
    """Runs `serve(number, socket)` in a process for each socket, and again in a new one if it ends by itself.

    SIGTERM and SIGINT stop all processes, and so does the end of this one. Its copies of the sockets keep the connections of a process that
    was killed until the new one accepts them.
    """

    def __init__(self, sockets: Sequence[socket.socket], serve: Callable[[int, socket.socket], None]) -> None:
        self._sockets, self._serve = sockets, serve
        self._numbers: dict[int, int] = {}  # of the running processes, by pid
        self._is_stopping = False
        self._alive_reader, self._alive_writer = os.pipe()  # the reader gets the end of file when this process has ended

    def run(self) -> None:
        """Serve until a signal; returns when all processes have ended."""
        for signal_number in SIGNALS:
            signal.signal(signal_number, self._handle_signal)
        for number in range(len(self._sockets)):
            self._start(number)
        while self._numbers:
            pid, status = os.wait()
            number = self._numbers.pop(pid, -1)
            if number >= 0 and not self._is_stopping:
                log_event("gateway.process_exited", logging.ERROR, process=number, exit_code=os.waitstatus_to_exitcode(status))
                time.sleep(RESTART_DELAY)
                self._start(number)

    def _handle_signal(self, signal_number: int, frame: FrameType | None) -> None:
        self._is_stopping = True
        for listener in self._sockets:  # the last copies are those of the processes, which close them first
            listener.close()
        for pid in self._numbers:
            os.kill(pid, signal.SIGTERM)

    def _start(self, number: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # a signal in between would miss the new process
        try:
            if self._is_stopping:
                return
            if pid := os.fork():
                self._numbers[pid] = number
                return
            self._run_child(number)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _run_child(self, number: int) -> None:
        """Serve in this process, and end it without the parent's cleaning up."""
        exit_code = 1
        try:
            for signal_number in SIGNALS:
                signal.signal(signal_number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            os.close(self._alive_writer)
            for other, listener in enumerate(self._sockets):
                if other != number:
                    listener.close()
            threading.Thread(target=self._stop_with_parent, daemon=True).start()
            self._serve(number, self._sockets[number])
            exit_code = 0
        except SystemExit as error:
            exit_code = error.code if isinstance(error.code, int) else 1
        except Exception:
            logging.getLogger(__name__).exception("a gateway process failed")
        finally:
            exit_now(exit_code)

    def _stop_with_parent(self) -> None:
        os.read(self._alive_reader, 1)
        os.kill(os.getpid(), signal.SIGTERM)
