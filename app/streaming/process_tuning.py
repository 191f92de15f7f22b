"""Tunes the worker's process: fewer garbage collections, fewer log records of the libraries."""

import gc
import logging

NOISY_LOGGERS = ("aiokafka", "kafka", "faust", "mode", "asyncio")


def tune_process() -> None:
    """Tune the interpreter; call it once at start."""
    gc.set_threshold(100_000, 50, 100)


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
