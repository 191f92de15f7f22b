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

from schemas.logs import LogName
from schemas.metrics import CATALOGUE, Metric

ENCODE = msgspec.json.Encoder(enc_hook=str).encode
LOGGER = logging.getLogger("herold")
NOISY = ("aiokafka", "mode", "faust", "asyncio", "kafka", "alembic")
QUIET_SECONDS = 10.0  # a library says the same only so often: without a broker, aiokafka complains 30 times a second and process


class Once(logging.Filter):
    """Lets a library's complaint (by logger, wording and kinds of arguments) pass once in `QUIET_SECONDS`; says how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is said."""
        if record.name.partition(".")[0] not in NOISY or record.exc_info:
            return True
        key = record.name, str(record.msg), *(type(arg).__name__ for arg in record.args or ())
        at, left_out = self._said.get(key, (-QUIET_SECONDS, 0))
        if 0 <= record.created - at < QUIET_SECONDS:
            self._said[key] = at, left_out + 1
            return False
        self._said[key] = record.created, 0
        if left_out:
            record.__dict__["fields"] = {"left_out": left_out}
        return True


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, event, and the fields given with `extra={"fields": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return ENCODE(line).decode()


def logging_config(level: str) -> dict[str, Any]:
    """All logs to stderr as JSON lines, ours from `level` up, libraries from warning up; Faust sets logging up anew and needs it too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": JsonLines}},
        "filters": {"once": {"()": Once}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "lines", "filters": ["once"]}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"herold": {"level": level.upper()}, **{name: {"level": "WARNING"} for name in NOISY}},
    }


def set_up_logging(level: str) -> None:
    """Let this process log as `logging_config` says."""
    logging.config.dictConfig(logging_config(level))


def log_line(name: LogName, level: int = logging.INFO, **fields: Any) -> None:
    """One wide line; building it costs nothing below the level in force."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, name, extra={"fields": fields})


class Durations(Collector):
    """A histogram counted in plain lists: one duration per delivery is too many for the library's own, at four times the cost."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        if not metric.labels:  # there before its first duration, as the library's own would be
            self._begin(())

    def add(self, seconds: float, labels: tuple[str, ...]) -> None:
        """Count one duration in the first bucket whose bound it does not exceed."""
        counts = self._counts.get(labels) or self._begin(labels)
        counts[bisect_left(self._metric.buckets, seconds)] += 1
        self._sums[labels] += seconds

    def _begin(self, labels: tuple[str, ...]) -> list[int]:
        self._sums[labels] = 0.0
        counts = self._counts[labels] = [0] * (len(self._metric.buckets) + 1)
        return counts

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What prometheus_client asks for: each bucket with all that is in those below."""
        metric = self._metric
        family = HistogramMetricFamily(metric.name, metric.about, labels=metric.labels)
        bounds = [*map(floatToGoString, metric.buckets), "+Inf"]
        for labels, counts in list(self._counts.items()):
            family.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), self._sums[labels])
        yield family


class Metrics:
    """The declared metrics as Prometheus objects in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._made = {metric.name: self._make(metric) for metric in CATALOGUE if metric.kind != "histogram"}
        self._durations = {metric.name: Durations(metric) for metric in CATALOGUE if metric.kind == "histogram"}
        for durations in self._durations.values():
            self.registry.register(durations)
        self._children: dict[tuple[str, tuple[str, ...]], Any] = {}

    def _make(self, metric: Metric) -> Counter | Gauge:
        kind = Counter if metric.kind == "counter" else Gauge
        return kind(metric.name, metric.about, metric.labels, registry=self.registry)

    def count(self, metric: Metric, number: float = 1, *labels: str) -> None:
        """Add to a counter."""
        self._child(metric, labels).inc(number)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._child(metric, labels).set(value)

    def watch(self, metric: Metric, value: Callable[[], float], *labels: str) -> None:
        """Let a gauge ask for its value when it is read."""
        self._child(metric, labels).set_function(value)

    def time(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Add a duration to a histogram."""
        self._durations[metric.name].add(seconds, labels)

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> Any:
        child = self._children.get((metric.name, labels))  # prometheus_client takes a lock and checks labels at each look-up
        if child is None:
            made = self._made[metric.name]
            child = self._children[metric.name, labels] = made.labels(*labels) if labels else made
        return child

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
