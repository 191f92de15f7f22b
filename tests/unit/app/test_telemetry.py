"""Log lines are one JSON object each; metrics are the declared ones."""

import asyncio
import inspect
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import aiokafka
import mode.timers
import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from app.telemetry import (
    DUPLICATE_INTERVAL,
    OUTAGE_INTERVAL,
    OUTAGE_MESSAGES,
    DuplicateLogFilter,
    GatheringHandler,
    JsonFormatter,
    Metrics,
    build_logging_config,
    log_event,
)
from schemas import metrics
from schemas.metrics import METRICS


def test_a_line_is_one_json_object(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="herold"):
        log_event("router.batch_completed", records=3, priority="high")
    line = json.loads(JsonFormatter().format(caplog.records[0]))
    assert line["event"] == "router.batch_completed"
    assert (line["records"], line["priority"], line["level"]) == (3, "high", "info")


def test_an_exception_is_part_of_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "gateway.produce_failed", (), __import__("sys").exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "ValueError: why" in json.loads(line)["exception"]


class CountingStream(io.StringIO):
    """A stream that keeps the number of lines of each write."""

    def __init__(self) -> None:
        super().__init__()
        self.line_counts: list[int] = []

    def write(self, text: str) -> int:
        self.line_counts.append(text.count("\n"))
        return super().write(text)


@pytest.fixture
def gathering_logger() -> Iterator[tuple[logging.Logger, CountingStream]]:
    logger, stream = logging.Logger("gathering"), CountingStream()
    logger.addHandler(GatheringHandler(stream))
    yield logger, stream
    logger.handlers[0].close()


async def test_gathered_lines_are_written_at_once_and_a_warning_without_delay(
    gathering_logger: tuple[logging.Logger, CountingStream],
) -> None:
    logger, stream = gathering_logger
    logger.info("first")
    await asyncio.sleep(0)
    assert stream.line_counts == [1], "after a pause, a line does not wait"
    for n in range(3):
        logger.info("%s", n)
    await asyncio.sleep(0)
    assert stream.line_counts == [1]
    logger.warning("now")
    assert stream.line_counts == [1, 4]
    assert stream.getvalue() == "first\n0\n1\n2\nnow\n"


async def test_a_gathered_line_is_written_by_the_end_of_its_interval(gathering_logger: tuple[logging.Logger, CountingStream]) -> None:
    logger, stream = gathering_logger
    logger.info("first")
    await asyncio.sleep(0)
    logger.info("second")
    async with asyncio.timeout(60):
        while "second" not in stream.getvalue():
            await asyncio.sleep(0.001)


def test_a_line_of_a_thread_without_event_loop_is_written_at_once(gathering_logger: tuple[logging.Logger, CountingStream]) -> None:
    logger, stream = gathering_logger
    logger.info("line")
    assert stream.getvalue() == "line\n"


def test_below_the_level_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="herold"):
        log_event("router.batch_completed", records=3)
    assert not caplog.records


def build_library_record(at: float, error: Exception, logger: str = "aiokafka.client") -> logging.LogRecord:
    record = logging.getLogger(logger).makeRecord(logger, logging.ERROR, "f", 1, "no node %s: %s", (1, error), None)
    record.created = at
    return record


def test_a_repeated_record_of_a_library_is_logged_once_in_an_interval_with_the_number_suppressed() -> None:
    is_logged = DuplicateLogFilter().filter
    assert [is_logged(build_library_record(100.0 + second, OSError("refused"))) for second in range(3)] == [True, False, False]
    later = build_library_record(100.0 + DUPLICATE_INTERVAL, OSError("refused"))
    assert is_logged(later)
    assert json.loads(JsonFormatter().format(later))["suppressed"] == 2


def test_an_outage_is_one_warning_in_an_interval() -> None:
    is_logged = DuplicateLogFilter().filter
    records = [build_outage_record(100.0, message) for message in OUTAGE_MESSAGES]
    assert [is_logged(record) for record in records] == [True] + [False] * (len(records) - 1)
    assert records[0].levelname == "WARNING"
    later = build_outage_record(100.0 + OUTAGE_INTERVAL, OUTAGE_MESSAGES[1])
    assert is_logged(later)
    line = json.loads(JsonFormatter().format(later))
    assert line["event"].startswith("a request to Kafka failed and is repeated: Failed fetch messages from")
    assert (line["level"], line["suppressed"]) == ("warning", len(records) - 1)
    assert is_logged(build_outage_record(100.0, "Topic %s is not authorized for this client"))


def test_the_messages_of_an_outage_are_those_of_aiokafka() -> None:
    source = "".join(file.read_text() for file in Path(aiokafka.__file__).parent.rglob("*.py"))
    assert [message for message in OUTAGE_MESSAGES if message not in source] == []


def test_a_commit_that_waits_for_kafka_is_no_warning_of_its_own() -> None:
    levels = {name: settings["level"] for name, settings in build_logging_config("info")["loggers"].items()}
    assert (levels["mode.timers"], levels["mode"]) == ("ERROR", "WARNING")
    assert "is overlapping (interval=" in inspect.getsource(mode.timers), "what that logger warns of"


def build_outage_record(at: float, message: str) -> logging.LogRecord:
    values = ("x",) * message.count("%s")
    record = logging.LogRecord("aiokafka.client", logging.ERROR, "", 0, message, values, None)
    record.created = at
    return record


def test_other_errors_other_libraries_and_herolds_own_lines_are_logged() -> None:
    is_logged = DuplicateLogFilter().filter
    assert is_logged(build_library_record(100.0, OSError()))
    assert is_logged(build_library_record(100.0, TimeoutError()))
    assert is_logged(build_library_record(100.0, OSError(), "mode.timers"))
    assert [is_logged(build_library_record(100.0, OSError(), "herold")) for _ in range(2)] == [True, True]


def test_metrics_are_counted_by_their_declared_names() -> None:
    ours = Metrics()
    ours.increment(metrics.DELIVERY_ATTEMPTS, 2, "email", "high", "ACCEPTED")
    ours.set_gauge_function(metrics.PROVIDER_REQUESTS_IN_FLIGHT, lambda: 7, "email")
    ours.observe_duration(metrics.RECORDER_COMMIT_DURATION, 0.2)
    page = ours.encode_metrics().decode()
    assert 'herold_delivery_attempts_total{channel="email",outcome="ACCEPTED",priority="high"} 2.0' in page
    assert 'herold_provider_requests_in_flight{channel="email"} 7.0' in page
    assert 'herold_recorder_commit_duration_seconds_bucket{le="0.25"} 1.0' in page


def test_durations_are_exported_as_by_prometheus_client() -> None:
    ours, registry = Metrics(), CollectorRegistry()
    metric = metrics.HANDOVER_LATENCY
    reference = Histogram(metric.name, metric.description, metric.labels, buckets=metric.buckets, registry=registry)
    for seconds in (-0.5, 0.0, 0.005, 0.0051, 0.3, 120.0, 1000.0):  # on a bound is in its bucket, and what is above all bounds counts too
        ours.observe_duration(metric, seconds, "email", "high")
        reference.labels("email", "high").observe(seconds)
    ours.observe_duration(metric, 1.0, "email", "low")
    reference.labels("email", "low").observe(1.0)
    assert select_metric_lines(ours.encode_metrics(), metric.name) == select_metric_lines(generate_latest(registry), metric.name)


def select_metric_lines(page: bytes, name: str) -> list[str]:
    return [line for line in page.decode().splitlines() if name in line and "_created" not in line]


def test_a_histogram_without_labels_is_exported_before_its_first_duration() -> None:
    assert "herold_recorder_commit_duration_seconds_count 0.0" in Metrics().encode_metrics().decode()


def test_every_metric_has_a_description_and_a_unit_in_its_name() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.description
        assert metric.kind != "histogram" or (metric.name.endswith("_seconds") and metric.buckets)
        assert metric.kind != "counter" or metric.name.endswith("_total")
