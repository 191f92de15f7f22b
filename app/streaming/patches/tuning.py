"""Reduces the CPU cost of the libraries: raw records, fast compression, fewer garbage collections, fewer log records."""

from __future__ import annotations

import gc
import logging
import sys
from typing import Any

import aiokafka.codec
from aiokafka.consumer import fetcher

# Seconds that the consumer thread may wait for the main thread, and the reverse; each batch changes threads several times.
THREAD_SWITCH_INTERVAL = 0.001
NOISY_LOGGERS = ("aiokafka", "kafka", "faust", "mode", "asyncio")


def tune_process() -> None:
    """Tune the whole process; call it once at start."""
    fetcher.PartitionRecords._consumer_record = _return_raw_record
    aiokafka.codec.lz4_encode.__defaults__ = (1,)
    gc.set_threshold(100_000, 50, 100)
    sys.setswitchinterval(THREAD_SWITCH_INTERVAL)


def _return_raw_record(self: Any, tp: Any, record: Any) -> Any:
    """The C parser's record itself. aiokafka copies it into a frozen dataclass, which costs 1 us."""
    return record


def quiet_noisy_loggers() -> None:
    """Raise the libraries' loggers below INFO to INFO; call it again when loggers may have been created."""
    for name in list(logging.Logger.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.startswith(NOISY_LOGGERS) and logger.getEffectiveLevel() < logging.INFO:
            logger.setLevel(logging.INFO)


def freeze_heap() -> None:
    """Exclude the objects that live now from later garbage collections; call it when they are likely to live long."""
    gc.collect()
    gc.freeze()
