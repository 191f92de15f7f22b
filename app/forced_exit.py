"""Ends a process that does not stop within its time."""

import logging
import os
import threading

log = logging.getLogger(__name__)

FORCED_EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h


def schedule_forced_exit(timeout: float) -> None:
    """End the process after `timeout` seconds if it still runs. Each step of a stop has its own limit; this is for unforeseen ones."""

    def force_exit() -> None:
        log.critical("the process did not stop within %s s; it exits now, and unacknowledged records are redelivered", timeout)
        exit_now(FORCED_EXIT_CODE)

    timer = threading.Timer(timeout, force_exit)
    timer.daemon = True
    timer.start()


def exit_now(exit_code: int) -> None:
    """End the process with its log written, but without its callers and exit handlers: in a forked process they are its parent's."""
    logging.shutdown()
    os._exit(exit_code)
