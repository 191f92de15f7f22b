"""Every metric of Herold, declared once: name, kind, labels and meaning; times in seconds."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A Prometheus metric; the buckets of a histogram are upper bounds in seconds."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


# 1, 5 and 30 s are the promises of the lanes
LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 120.0)

NOTIFICATIONS = Metric("herold_notifications_total", "counter", "notifications decided by the router", ("lane", "state", "reason"))
ROUTER_RECORDS = Metric("herold_router_records_total", "counter", "records read by the router, by what they were", ("lane", "kind"))
ROUTER_SECONDS = Metric("herold_router_batch_seconds", "histogram", "from a batch in to its acknowledgement", ("lane",), LATENCY)
ATTEMPTS = Metric("herold_attempts_total", "counter", "calls of a provider", ("channel", "lane", "outcome"))
DELIVERIES = Metric("herold_deliveries_total", "counter", "deliveries that ended in a worker", ("channel", "lane", "status", "reason"))
POSSIBLE_DUPLICATES = Metric("herold_possible_duplicates_total", "counter", "attempts made again after an unknown outcome", ("channel",))
HANDOVER_SECONDS = Metric("herold_handover_seconds", "histogram", "from submission to the provider's answer", ("channel", "lane"), LATENCY)
CALLS_IN_FLIGHT = Metric("herold_calls_in_flight", "gauge", "calls of a provider that have no answer yet", ("channel",))
RECORDED = Metric("herold_recorded_total", "counter", "events written to PostgreSQL", ("kind",))
RECORD_SECONDS = Metric("herold_record_commit_seconds", "histogram", "one commit of the recorder", (), LATENCY)
DEAD_LETTERS = Metric("herold_dead_letters_total", "counter", "records that cannot go on", ("stage", "reason"))
REQUESTS = Metric("herold_http_requests_total", "counter", "HTTP requests answered by the gateway", ("route", "status"))
REQUEST_SECONDS = Metric("herold_http_request_seconds", "histogram", "time to answer an HTTP request", ("route",), LATENCY)

CATALOGUE: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
