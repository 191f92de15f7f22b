"""The heap is frozen, and only the libraries' loggers are quieter."""

import gc
import logging

from app.streaming.process_tuning import freeze_heap, quiet_noisy_loggers, tune_process


def test_the_heap_is_frozen() -> None:
    tune_process()
    freeze_heap()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == 100_000


def test_only_library_loggers_below_info_are_raised() -> None:
    noisy, quiet = logging.getLogger("aiokafka.test.noisy"), logging.getLogger("aiokafka.test.quiet")
    own = logging.getLogger("app.test")
    noisy.setLevel(logging.DEBUG)
    quiet.setLevel(logging.ERROR)
    own.setLevel(logging.DEBUG)
    quiet_noisy_loggers()
    assert (noisy.level, quiet.level, own.level) == (logging.INFO, logging.ERROR, logging.DEBUG)
    own.setLevel(logging.NOTSET)
