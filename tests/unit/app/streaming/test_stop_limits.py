"""The steps of a stop have limits that fit into the worker's `shutdown_timeout`, also if every one of them is reached."""

from app.streaming import producer
from app.streaming.consumer import consumer_delegate
from app.streaming.consumer.batch_consumer import FINAL_COMMIT_TIMEOUT
from app.streaming.consumer.failure_policy import DRAIN_SHARE
from app.workers.worker_builder import SHUTDOWN_CALLBACKS_TIMEOUT
from tests.settings_builders import DEFAULT_SETTINGS

SHUTDOWN_TIMEOUT = DEFAULT_SETTINGS.worker.shutdown_timeout
LEFT_TASKS_TIMEOUT = 1.0  # seconds that mode's worker waits at the end for tasks that still run, such as aiokafka's
LAST_STEPS = SHUTDOWN_CALLBACKS_TIMEOUT + consumer_delegate.STOP_TIMEOUT + producer.STOP_TIMEOUT + LEFT_TASKS_TIMEOUT


def test_the_steps_after_a_drain_fit() -> None:
    assert 2 * FINAL_COMMIT_TIMEOUT + LAST_STEPS < SHUTDOWN_TIMEOUT  # the second commit is for what ended after the drain


def test_a_stop_with_an_error_fits_with_its_drain() -> None:
    assert DRAIN_SHARE * SHUTDOWN_TIMEOUT + FINAL_COMMIT_TIMEOUT + LAST_STEPS < SHUTDOWN_TIMEOUT
