"""Structured log lines on stderr and Prometheus metrics; the names of both are declared in schemas/."""

import logging
import logging.config
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, TextIO

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from schemas.log_events import LogEvent
from schemas.metrics import METRICS, Metric
from tables.flush_timer import FlushTimer

encode_json = msgspec.json.Encoder(enc_hook=str).encode
LOGGER = logging.getLogger("herold")
LIBRARY_LOGGERS = ("aiokafka", "mode", "faust", "asyncio", "kafka", "alembic", "uvicorn")
TIMER_LOGGER = "mode.timers"  # warns of each commit of offsets that waits for Kafka, which the lines of an outage say already
OUTAGE_INTERVAL = 60.0  # seconds
OUTAGE_MESSAGES = (
    "Error sending %s to node",
    "Failed fetch messages from",
    "Failed fetch offsets from",
    "Got error produce response",
    "Group Coordinator Request failed",
    "Heartbeat failed for group %s: coordinator",
    "Heartbeat send request failed",
    "Heartbeat session expired",
    "Marking the coordinator dead",
    "Unable connect to",
    "Unable to request metadata",
    "Unable to update metadata",
)
"""How aiokafka's messages about a request that failed and is repeated begin; while a broker is away, each client logs many of them."""
DUPLICATE_INTERVAL = 10.0  # seconds; without a broker, aiokafka logs the same line 30 times a second in each process

GATHER_INTERVAL: Final = 0.02  # seconds


class DuplicateLogFilter(logging.Filter):
    """Passes a library's record (same logger, message and argument types) once in DUPLICATE_INTERVAL, with the number suppressed before.

    Records of OUTAGE_MESSAGES are one warning in OUTAGE_INTERVAL: they repair themselves, and alarm for nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last_logged: dict[tuple[str, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.name.partition(".")[0] not in LIBRARY_LOGGERS or record.exc_info:
            return True
        key: tuple[str, ...] = (record.name, str(record.msg), *(type(arg).__name__ for arg in record.args or ()))
        interval = DUPLICATE_INTERVAL
        if str(record.msg).startswith(OUTAGE_MESSAGES):
            key, interval = ("outage",), OUTAGE_INTERVAL
            record.msg, record.args = f"a request to Kafka failed and is repeated: {record.getMessage()}", ()
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        logged_at, suppressed = self._last_logged.get(key, (-interval, 0))
        if 0 <= record.created - logged_at < interval:
            self._last_logged[key] = logged_at, suppressed + 1
            return False
        self._last_logged[key] = record.created, 0
        if suppressed:
            record.__dict__["fields"] = {"suppressed": suppressed}
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object per line: timestamp, level, logger, event, and the fields of `extra={"fields": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return encode_json(line).decode()


class GatheringHandler(logging.StreamHandler[TextIO]):
    """Writes the lines of GATHER_INTERVAL at once, for a process with a line per request; a warning is written without delay."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []
        self._timer = FlushTimer(self.flush)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line soon, or now if it is a warning or if this thread has no event loop."""
        try:
            self._lines.append(self.format(record) + self.terminator)
            if record.levelno >= logging.WARNING or not self._request_flush():
                self.flush()
        except Exception:
            self.handleError(record)

    def _request_flush(self) -> bool:
        try:
            self._timer.request(GATHER_INTERVAL)
        except RuntimeError:
            return False
        return True

    def flush(self) -> None:
        """Write the lines so far."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            self.stream.write("".join(lines))
            super().flush()
        finally:
            self.release()


def build_logging_config(level: str, handler: str = "logging.StreamHandler") -> dict[str, Any]:
    """All logs as JSON lines on stderr: Herold's from `level`, those of libraries from warning. Faust configures logging again with it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "filters": {"duplicates": {"()": DuplicateLogFilter}},
        "handlers": {"stderr": {"class": handler, "stream": "ext://sys.stderr", "formatter": "json", "filters": ["duplicates"]}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "herold": {"level": level.upper()},
            **{name: {"level": "WARNING"} for name in LIBRARY_LOGGERS},
            TIMER_LOGGER: {"level": "ERROR"},
        },
    }


def configure_logging(level: str, handler: str = "logging.StreamHandler") -> None:
    """Configure the logging of this process with `build_logging_config`."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # no line shows them
    logging.config.dictConfig(build_logging_config(level, handler))


def log_event(name: LogEvent, level: int = logging.INFO, **fields: Any) -> None:
    """Log one line with all fields; below the configured level no line is built."""
    if LOGGER.isEnabledFor(level):
        record = logging.LogRecord(LOGGER.name, level, "", 0, name, None, None)  # Logger.log would search the stack for the caller's line
        record.__dict__["fields"] = fields
        LOGGER.handle(record)


class DurationSeries:
    """The durations of a histogram with one set of labels."""

    __slots__ = ("_buckets", "counts", "sum")

    def __init__(self, buckets: Sequence[float]) -> None:
        self._buckets, self.counts, self.sum = buckets, [0] * (len(buckets) + 1), 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration in the first bucket whose upper bound it does not exceed."""
        self.counts[bisect_left(self._buckets, seconds)] += 1
        self.sum += seconds


class DurationHistogram(Collector):
    """A histogram that counts in plain lists, cheaper than prometheus_client's own: it gets a duration for each delivery."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._series: dict[tuple[str, ...], DurationSeries] = {}
        if not metric.labels:  # exported before the first duration, as by prometheus_client
            self.get_series(())

    def get_series(self, labels: tuple[str, ...]) -> DurationSeries:
        """The series with these labels; from now on it is exported."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = DurationSeries(self._metric.buckets)
        return series

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The samples for prometheus_client: each bucket includes the counts of those below."""
        metric = self._metric
        family = HistogramMetricFamily(metric.name, metric.description, labels=metric.labels)
        bounds = [*map(floatToGoString, metric.buckets), "+Inf"]
        for labels, series in list(self._series.items()):
            family.add_metric(labels, list(zip(bounds, accumulate(series.counts), strict=True)), series.sum)
        yield family


class Metrics:
    """The declared metrics in a Prometheus registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters_and_gauges = {metric.name: self._create_metric(metric) for metric in METRICS if metric.kind != "histogram"}
        self._histograms = {metric.name: DurationHistogram(metric) for metric in METRICS if metric.kind == "histogram"}
        for histogram in self._histograms.values():
            self.registry.register(histogram)
        self._children: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._flush_callbacks: list[Callable[[], None]] = []

    def _create_metric(self, metric: Metric) -> Counter | Gauge:
        kind = Counter if metric.kind == "counter" else Gauge
        return kind(metric.name, metric.description, metric.labels, registry=self.registry)

    def increment(self, metric: Metric, amount: float = 1, *labels: str) -> None:
        """Add to a counter."""
        self._get_child(metric, labels).inc(amount)

    def add_flush_callback(self, callback: Callable[[], None]) -> None:
        """Call `callback` before each scrape, so that it can add what it has counted since the last one."""
        self._flush_callbacks.append(callback)

    def set_gauge_function(self, metric: Metric, get_value: Callable[[], float], *labels: str) -> None:
        """Read a gauge's value from a function at each scrape."""
        self._get_child(metric, labels).set_function(get_value)

    def observe_duration(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Add a duration to a histogram."""
        self.get_duration_series(metric, *labels).observe(seconds)

    def get_duration_series(self, metric: Metric, *labels: str) -> DurationSeries:
        """The series of a histogram with these labels, for whoever observes many durations."""
        return self._histograms[metric.name].get_series(labels)

    def _get_child(self, metric: Metric, labels: tuple[str, ...]) -> Any:
        child = self._children.get((metric.name, labels))  # prometheus_client takes a lock and checks labels at each look-up
        if child is None:
            parent = self._counters_and_gauges[metric.name]
            child = self._children[metric.name, labels] = parent.labels(*labels) if labels else parent
        return child

    def sum_values(self, metric: Metric) -> float:
        """The sum of a counter or gauge over all its labels."""
        for callback in self._flush_callbacks:
            callback()
        families = self._counters_and_gauges[metric.name].collect()
        return sum(sample.value for family in families for sample in family.samples if sample.name == metric.name)

    def encode_metrics(self) -> bytes:
        """The metrics in Prometheus's text format."""
        for callback in self._flush_callbacks:
            callback()
        return generate_latest(self.registry)
