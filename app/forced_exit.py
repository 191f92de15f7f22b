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
        logging.shutdown()
        os._exit(FORCED_EXIT_CODE)

    timer = threading.Timer(timeout, force_exit)
    timer.daemon = True
    timer.start()
