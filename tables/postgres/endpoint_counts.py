"""Counts the calls of webhook endpoints in the commit of the history, each attempt once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.enums import Outcome
from schemas.history import LoggedAttempt
from schemas.ids import is_id, to_uuid_hex
from schemas.lifetimes import HOUR
from schemas.webhook_endpoints import ENDPOINT_PREFIX
from tables.postgres.database import Connection
from tables.postgres.query_loader import load_queries

_SQL = load_queries("endpoint_counts")


@dataclass(slots=True)
class EndpointCalls:
    """The calls of an endpoint in one commit: successes and failures by hour (since 1970), and the times that its health depends on."""

    succeeded: dict[int, int] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    failure_times: list[float] = field(default_factory=list)
    last_success_at: float | None = None
    last_at: float = 0.0
    last_code: int = 0

    def add(self, at: float, is_success: bool, code: int) -> None:
        """Count a call."""
        counts, hour = self.succeeded if is_success else self.failed, int(at // HOUR)
        counts[hour] = counts.get(hour, 0) + 1
        if is_success:
            self.last_success_at = max(at, self.last_success_at or 0.0)
        else:
            self.failure_times.append(at)
        if at >= self.last_at:
            self.last_at, self.last_code = at, code


async def add_endpoint_counts(connection: Connection, new_attempts: Iterable[LoggedAttempt]) -> None:
    """Add the calls of these attempts to the counters; the rows are sorted, so that two workers cannot deadlock."""
    calls = count_calls(new_attempts)
    if not calls:
        return
    ids = sorted(calls)
    hours = [(to_uuid_hex(one), hour) for one in ids for hour in sorted({*calls[one].succeeded, *calls[one].failed})]
    by_uuid = {to_uuid_hex(one): calls[one] for one in ids}
    values = [(by_uuid[uuid].succeeded.get(hour, 0), by_uuid[uuid].failed.get(hour, 0)) for uuid, hour in hours]
    await connection.execute(_SQL["add_counts"], *zip(*hours, strict=True), *zip(*values, strict=True))
    await connection.execute(_SQL["update_health"], *zip(*(_build_health(one, calls[one]) for one in ids), strict=True))


def count_calls(attempts: Iterable[LoggedAttempt]) -> dict[str, EndpointCalls]:
    """The calls by endpoint; an attempt without a call is none."""
    calls: dict[str, EndpointCalls] = {}
    for attempt in attempts:
        event = attempt.event
        if not event.endpoint_id or event.outcome is None or not is_id(event.endpoint_id, ENDPOINT_PREFIX):
            continue
        is_success = event.outcome is Outcome.ACCEPTED
        if is_success or event.duration_ms > 0 or event.provider_code > 0:
            calls.setdefault(event.endpoint_id, EndpointCalls()).add(event.occurred_at, is_success, event.provider_code)
    return calls


def _build_health(endpoint_id: str, calls: EndpointCalls) -> tuple[Any, ...]:
    """The last success, the last failure, the first failure after that success, how many there are after it, and the last code."""
    after = [at for at in calls.failure_times if calls.last_success_at is None or at > calls.last_success_at]
    last_failure = max(calls.failure_times, default=None)
    return to_uuid_hex(endpoint_id), calls.last_success_at, last_failure, min(after, default=None), len(after), calls.last_code
