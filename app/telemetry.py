"""What Herold says of itself: structured log lines on stderr and Prometheus metrics, both by names declared in schemas/."""

import logging
import logging.config
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from schemas.log_events import LogEvent
from schemas.metrics import METRICS, Metric

encode_json = msgspec.json.Encoder(enc_hook=str).encode
LOGGER = logging.getLogger("herold")
LIBRARY_LOGGERS = ("aiokafka", "mode", "faust", "asyncio", "kafka", "alembic")
DUPLICATE_INTERVAL = 10.0  # a library says the same only so often: without a broker, aiokafka complains 30 times a second and process


class DuplicateLogFilter(logging.Filter):
    """Lets a library's complaint (by logger, wording and kinds of arguments) pass once in DUPLICATE_INTERVAL; counts those left out."""

    def __init__(self) -> None:
        super().__init__()
        self._last_logged: dict[tuple[str, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is said."""
        if record.name.partition(".")[0] not in LIBRARY_LOGGERS or record.exc_info:
            return True
        key = record.name, str(record.msg), *(type(arg).__name__ for arg in record.args or ())
        at, left_out = self._last_logged.get(key, (-DUPLICATE_INTERVAL, 0))
        if 0 <= record.created - at < DUPLICATE_INTERVAL:
            self._last_logged[key] = at, left_out + 1
            return False
        self._last_logged[key] = record.created, 0
        if left_out:
            record.__dict__["fields"] = {"suppressed": left_out}
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, event, and the fields given with `extra={"fields": ...}`."""

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


def build_logging_config(level: str) -> dict[str, Any]:
    """All logs to stderr as JSON lines, ours from `level` up, libraries from warning up; Faust sets logging up anew and needs it too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "filters": {"duplicates": {"()": DuplicateLogFilter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json", "filters": ["duplicates"]}
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"herold": {"level": level.upper()}, **{name: {"level": "WARNING"} for name in LIBRARY_LOGGERS}},
    }


def configure_logging(level: str) -> None:
    """Let this process log as `build_logging_config` says."""
    logging.config.dictConfig(build_logging_config(level))


def log_event(name: LogEvent, level: int = logging.INFO, **fields: Any) -> None:
    """One wide line; building it costs nothing below the level in force."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, name, extra={"fields": fields})


class DurationHistogram(Collector):
    """A histogram counted in plain lists: one duration per delivery is too many for the library's own, at four times the cost."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        if not metric.labels:  # there before its first duration, as the library's own would be
            self._create_series(())

    def observe(self, seconds: float, labels: tuple[str, ...]) -> None:
        """Count one duration in the first bucket whose bound it does not exceed."""
        counts = self._counts.get(labels) or self._create_series(labels)
        counts[bisect_left(self._metric.buckets, seconds)] += 1
        self._sums[labels] += seconds

    def _create_series(self, labels: tuple[str, ...]) -> list[int]:
        self._sums[labels] = 0.0
        counts = self._counts[labels] = [0] * (len(self._metric.buckets) + 1)
        return counts

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What prometheus_client asks for: each bucket with all that is in those below."""
        metric = self._metric
        family = HistogramMetricFamily(metric.name, metric.description, labels=metric.labels)
        bounds = [*map(floatToGoString, metric.buckets), "+Inf"]
        for labels, counts in list(self._counts.items()):
            family.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), self._sums[labels])
        yield family


class Metrics:
    """The declared metrics as Prometheus objects in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters_and_gauges = {metric.name: self._create_metric(metric) for metric in METRICS if metric.kind != "histogram"}
        self._histograms = {metric.name: DurationHistogram(metric) for metric in METRICS if metric.kind == "histogram"}
        for durations in self._histograms.values():
            self.registry.register(durations)
        self._children: dict[tuple[str, tuple[str, ...]], Any] = {}

    def _create_metric(self, metric: Metric) -> Counter | Gauge:
        kind = Counter if metric.kind == "counter" else Gauge
        return kind(metric.name, metric.description, metric.labels, registry=self.registry)

    def increment(self, metric: Metric, amount: float = 1, *labels: str) -> None:
        """Add to a counter."""
        self._get_child(metric, labels).inc(amount)

    def set_gauge(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._get_child(metric, labels).set(value)

    def set_gauge_function(self, metric: Metric, get_value: Callable[[], float], *labels: str) -> None:
        """Let a gauge ask for its value when it is read."""
        self._get_child(metric, labels).set_function(get_value)

    def observe_duration(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Add a duration to a histogram."""
        self._histograms[metric.name].observe(seconds, labels)

    def _get_child(self, metric: Metric, labels: tuple[str, ...]) -> Any:
        child = self._children.get((metric.name, labels))  # prometheus_client takes a lock and checks labels at each look-up
        if child is None:
            made = self._counters_and_gauges[metric.name]
            child = self._children[metric.name, labels] = made.labels(*labels) if labels else made
        return child

    def encode_metrics(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
