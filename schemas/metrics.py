"""The Prometheus metrics of Herold: name, kind, description and labels; times in seconds."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A Prometheus metric; `buckets` are the upper bounds of a histogram in seconds."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    description: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


# includes the latency targets of the priorities: 1, 5 and 30 s
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 120.0)

NOTIFICATIONS_DECIDED = Metric(
    "herold_notifications_decided_total", "counter", "notifications decided by the router", ("priority", "state", "reason")
)
ROUTER_RECORDS = Metric("herold_router_records_total", "counter", "records read by the router, by result", ("priority", "result"))
ROUTER_BATCH_DURATION = Metric(
    "herold_router_batch_duration_seconds",
    "histogram",
    "time from receiving a batch to its acknowledgement",
    ("priority",),
    LATENCY_BUCKETS,
)
DELIVERY_ATTEMPTS = Metric("herold_delivery_attempts_total", "counter", "provider calls", ("channel", "priority", "outcome"))
BATCH_CALLS = Metric(
    "herold_batch_calls_total", "counter", "provider calls for several deliveries, by result: answered or rejected", ("channel", "result")
)
BATCHED_DELIVERIES = Metric("herold_batched_deliveries_total", "counter", "deliveries in the calls for several of them", ("channel",))
DELIVERIES_ENDED = Metric(
    "herold_deliveries_ended_total",
    "counter",
    "deliveries that reached a final status in a worker",
    ("channel", "priority", "status", "reason"),
)
POSSIBLE_DUPLICATES = Metric("herold_possible_duplicates_total", "counter", "attempts repeated after an unknown outcome", ("channel",))
UNANSWERED_CALLS = Metric(
    "herold_unanswered_calls_total",
    "counter",
    "deliveries whose call got no answer, by what followed: receipt, look_up, sent_again or given_up",
    ("channel", "resolution"),
)
HANDOVER_LATENCY = Metric(
    "herold_handover_latency_seconds",
    "histogram",
    "time from submission to the provider's response",
    ("channel", "priority"),
    LATENCY_BUCKETS,
)
PROVIDER_REQUESTS_IN_FLIGHT = Metric("herold_provider_requests_in_flight", "gauge", "provider calls without a response yet", ("channel",))
PAUSED_ACCOUNTS = Metric(
    "herold_paused_accounts",
    "gauge",
    "provider accounts and webhook hosts whose breakers are open or permit probes, so that their deliveries wait",
    ("channel", "cause"),
)
STOPPED_CATEGORIES = Metric(
    "herold_stopped_email_categories", "gauge", "categories of which too many e-mails bounced, so that those of medium and low wait"
)
ACCOUNT_WEIGHT = Metric(
    "herold_account_weight",
    "gauge",
    "part of the deliveries that an account of a channel with several accounts gets, 0 to 1",
    ("channel", "account"),
)
WAITING_DELIVERIES = Metric(
    "herold_waiting_deliveries", "gauge", "deliveries that wait for consent or an open breaker beside those in flight", ("channel",)
)
ORDERED_DELIVERIES_WAITING = Metric(
    "herold_ordered_deliveries_waiting",
    "gauge",
    "deliveries to ordered endpoints that wait behind another one, by place: in the worker, or in the scheduler",
    ("place",),
)
ACCOUNT_PAUSES = Metric(
    "herold_account_pauses_total", "counter", "times that the breaker of an account or host was opened", ("channel", "cause")
)
DIGESTS = Metric("herold_digests_total", "counter", "digests decided by the router, by what ended their windows", ("priority", "cause"))
SCHEDULER_RECORDS = Metric("herold_scheduler_records_total", "counter", "records read by the scheduler, by result", ("priority", "result"))
SCHEDULER_RELEASES = Metric("herold_scheduler_releases_total", "counter", "entries released by the scheduler", ("priority",))
RELEASE_LATENESS = Metric(
    "herold_release_lateness_seconds",
    "histogram",
    "time from when an entry was due until Kafka had confirmed its release",
    ("priority",),
    LATENCY_BUCKETS,
)
BROADCAST_NOTIFICATIONS = Metric("herold_broadcast_notifications_total", "counter", "notifications produced for broadcasts", ("priority",))
BROADCAST_CANCELS = Metric(
    "herold_broadcast_cancels_total", "counter", "cancels requested of what waited of cancelled broadcasts; repeated until nothing waits"
)
BROADCASTS_ENDED = Metric("herold_broadcasts_ended_total", "counter", "broadcasts whose last page is produced, or that failed", ("state",))
SCHEDULE_RUNS = Metric(
    "herold_schedule_runs_total", "counter", "runs of recurring schedules, by result: started, or skipped because missed", ("result",)
)
REDRIVEN_DEAD_LETTERS = Metric(
    "herold_redriven_dead_letters_total", "counter", "dead letters of redrives by result: redriven, or why they were skipped", ("result",)
)
RECORDER_ROWS = Metric("herold_recorder_rows_total", "counter", "rows written to notifications, delivery_logs and dead_letters", ("table",))
REPORTS = Metric(
    "herold_reports_total",
    "counter",
    "reports of providers read by the recorder, by result: applied, repeated, or waiting for their delivery",
    ("result",),
)
SYNCED_SUPPRESSIONS = Metric(
    "herold_synced_suppressions_total", "counter", "suppressions that a provider had and we had not, by its list", ("list",)
)
LINKED_ENTRIES = Metric("herold_linked_entries_total", "counter", "entries that were linked to the hash chain of their log", ("log",))
CHECKPOINTS = Metric("herold_log_checkpoints_total", "counter", "heads of logs that were signed", ("log",))
RESENDS = Metric(
    "herold_resends_total", "counter", "deliveries that are sent again because a carrier could not deliver them, by channel", ("channel",)
)
RECORDER_COMMIT_DURATION = Metric(
    "herold_recorder_commit_duration_seconds", "histogram", "duration of one commit of the recorder", (), LATENCY_BUCKETS
)
CLOCK_ERROR = Metric(
    "herold_clock_error_seconds", "gauge", "clock of the worker's host minus the brokers' time; infinite until a broker's time is known"
)
POSITION_JUMPS = Metric(
    "herold_position_jumps_total",
    "counter",
    "positions that moved without reading, because Kafka no longer has the offset that was to be read next",
    ("topic", "direction"),
)
DEAD_LETTERS = Metric("herold_dead_letters_total", "counter", "records moved to the dead letter topic", ("stage", "reason"))
WEBHOOK_ENDPOINTS_DISABLED = Metric(
    "herold_webhook_endpoints_disabled_total", "counter", "webhook endpoints disabled because they are gone or only fail", ("reason",)
)
POLICY_AGE = Metric(
    "herold_policy_age_seconds", "gauge", "time since PostgreSQL confirmed the rules, templates and rate limits in use", ("role",)
)
CALLBACKS = Metric(
    "herold_callbacks_total",
    "counter",
    "requests of providers, by result: accepted, forged, malformed, too_large, not_configured, or unavailable without Kafka",
    ("provider", "result"),
)
CALLBACK_REPORTS = Metric(
    "herold_callback_reports_total",
    "counter",
    "reports in the requests of providers, by result: taken, ignored, unknown to this release, or foreign, which names no delivery of ours",
    ("provider", "report", "result"),
)
HTTP_REQUESTS = Metric("herold_http_requests_total", "counter", "HTTP requests answered by the gateway", ("route", "status_code"))
HTTP_REQUEST_DURATION = Metric(
    "herold_http_request_duration_seconds", "histogram", "duration of an HTTP request", ("route",), LATENCY_BUCKETS
)
LOGINS = Metric(
    "herold_logins_total",
    "counter",
    "tries of people to log in, by result: granted, or the kind of problem",
    ("method", "result"),
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
