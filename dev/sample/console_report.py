"""Shows a run of the sample on the console: progress bars, or plain lines without a terminal; the result as tables; and next steps."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.router.gates.rate_limit import RATE_LIMITED
from dev.sample.reconciliation import LineMismatch
from dev.sample.result import SampleResult
from dev.sample.settings import SampleSettings

PROGRESS_STEP = 100  # lines of the sample between two plain lines of progress
EXAMPLE_IDS = 3  # delivery ids in a line about a disagreement
EXAMPLE_MISMATCHES = 5  # lines that did not end as expected
EXPLAIN_EXAMPLES = {
    "routed": "delivered according to its rule",
    "rejected duplicate": "an earlier notification has the same key",
    "rejected opted_out": "the user has opted out of marketing",
    "rejected suppressed": "the address is suppressed after a complaint",
    "rejected condition": "the condition of its rule is not true",
    "rejected rate_limited account.otp": "over the rate limit of SMS per user",
    "rejected rate_limited feedback.request": "over the rate limit of its category",
    "held quiet_hours": "waits until the user's quiet hours end",
    "released": "was held until its time to be sent",
    "merged digest": "is in a digest",
    "escalated": "the push message failed, and an SMS followed",
    "rejected cancelled": "was cancelled while it was held",
    "dead invalid_variables": "its data is not as its template declares it",
    "dead missing_variable": "its template requires a variable that is missing",
    "FAILED rejected_recipient": "the provider rejected the address",
    "FAILED invalid_token": "the provider does not know the device",
    "FAILED retries_exhausted": "all attempts failed",
    "UNSUBSCRIBED opted_out": "the recipient has opted out with STOP",
}


class ConsoleReport:
    """Shows the progress and the result of a run; `command` is the name of the `herold` command in the next steps."""

    def __init__(self, console: Console, command: str) -> None:
        self._console, self._command = console, command
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True
        )
        self._size = self._submitted = self._final = 0

    @contextmanager
    def show_progress(self, size: int) -> Iterator[None]:
        """Show a bar of the submitted lines and a bar of the final lines while the context is open."""
        self._size = size
        self._console.print(f"submitting {size} sample notifications of a shop over Kafka and HTTP")
        self._tasks = [self._bars.add_task(label, total=size) for label in ("submitted", "final")]
        if not self._console.is_terminal:
            yield
            return
        self._console.soft_wrap = True  # the output of processes appears above the bars; ids in it must not be wrapped
        try:
            with self._bars:
                yield
        finally:
            self._console.soft_wrap = False

    def add_submitted(self, lines: int) -> None:
        """Add to the number of submitted lines."""
        previous, self._submitted = self._submitted, self._submitted + lines
        self._bars.update(self._tasks[0], completed=self._submitted)
        self._print_progress("submitted", previous, self._submitted)

    def set_final(self, lines: int) -> None:
        """Set the number of final lines."""
        previous, self._final = self._final, lines
        self._bars.update(self._tasks[1], completed=lines)
        self._print_progress("final", previous, lines)

    def _print_progress(self, label: str, previous: int, current: int) -> None:
        """Without a terminal: print a line at each multiple of PROGRESS_STEP and at the end."""
        is_step = previous // PROGRESS_STEP != current // PROGRESS_STEP or previous < current == self._size
        if is_step and not self._console.is_terminal:
            self._console.print(f"{current} of {self._size} {label}")

    def print_result(self, result: SampleResult) -> None:
        """Print the tables and the findings."""
        for table in (_build_results_table(result), _build_statuses_table(result), _build_latency_table(result)):
            self._console.print(table)
        self._print_lines(_describe_findings(result))

    def print_next_steps(self, result: SampleResult, settings: SampleSettings) -> None:
        """Print what a user can do while the stack runs."""
        self._print_lines(("", *_describe_next_steps(result, settings, self._command)))

    def _print_lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)


def _build_results_table(result: SampleResult) -> Table:
    table = Table("result", "reason", "submissions", title="Submissions")
    counts = result.reconciliation.result_counts
    for line_result in sorted(counts, key=lambda text: (not text.startswith("routed"), text)):
        state, _, reason = line_result.partition(" ")
        table.add_row(state, reason, str(counts[line_result]))
    table.add_section()
    table.add_row("in flight", "", str(result.reconciliation.in_flight_count))
    table.add_row("lost", "", str(result.reconciliation.lost_count))
    table.add_row("all", "", str(result.reconciliation.submitted_count))
    table.columns[2].justify = "right"
    return table


def _build_statuses_table(result: SampleResult) -> Table:
    table = Table("status", "reason", "deliveries", title="Deliveries of routed submissions")
    for text, count in result.reconciliation.status_counts.most_common():
        status, _, reason = text.partition(" ")
        table.add_row(status, reason, str(count))
    table.columns[2].justify = "right"
    return table


def _build_latency_table(result: SampleResult) -> Table:
    table = Table("priority", "deliveries", "p50", "p99", title="From submission, or send_at, to the provider")
    for priority, latency in result.comparison.latency_by_priority.items():
        table.add_row(priority, str(latency.count), f"{latency.p50 * 1000:.0f} ms", f"{latency.p99 * 1000:.0f} ms")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _describe_findings(result: SampleResult) -> Iterator[str]:
    reconciliation, comparison = result.reconciliation, result.comparison
    final_count = reconciliation.result_counts.total()
    yield f"{final_count} of {reconciliation.submitted_count} submissions are final after {result.seconds:.1f} s"
    if reconciliation.in_flight_count:
        yield f"{reconciliation.in_flight_count} submissions were still in flight after {result.seconds:.0f} s: check the logs of the roles"
    if reconciliation.lost_count:
        yield f"{reconciliation.lost_count} submissions are LOST: they are not final, although no role has a consumer lag"
    yield (
        f"the simulators' request log: {comparison.request_count} requests, {comparison.accepted_count} accepted deliveries, "
        f"{comparison.duplicate_count} duplicates"
    )
    for provider, count in comparison.unauthorized_counts.items():
        yield f"{provider} rejected the credentials of {count} requests: its deliveries wait until they are valid"
    if comparison.consistent:
        yield "the request log and PostgreSQL agree, and nothing was sent early"
    disagreements = {
        "deliveries are SENT or DELIVERED in PostgreSQL, but no provider accepted them": comparison.missing_requests,
        "deliveries were accepted by a provider, but are PENDING or FAILED in PostgreSQL": comparison.unrecorded_sends,
        "deliveries were not planned by the router": comparison.unplanned_deliveries,
        "deliveries were accepted by a provider, but are not in PostgreSQL": comparison.unknown_deliveries,
        "deliveries were sent before their notification was due": comparison.early_sends,
    }
    yield from (f"{len(ids)} {text}: {', '.join(ids[:EXAMPLE_IDS])}" for text, ids in disagreements.items() if ids)
    if (broadcast := result.broadcast) is not None:
        counts = f"{broadcast.expanded_count} of {broadcast.users} users have a notification"
        yield f"the broadcast is {broadcast.state}: {counts}"
    yield from _describe_mismatches(result.mismatches)


def _describe_mismatches(mismatches: Sequence[LineMismatch]) -> Iterator[str]:
    if not mismatches:
        yield "every submission ended as docs/samples/shop.jsonl expects"
        return
    yield f"{len(mismatches)} submissions did NOT end as docs/samples/shop.jsonl expects; `explain` shows why:"
    for mismatch in mismatches[:EXAMPLE_MISMATCHES]:
        name = f"line {mismatch.number}, {mismatch.notification_id or 'without an id'}"
        yield f"  {name}: expected {mismatch.expected}; found {mismatch.found}"
    if len(mismatches) > EXAMPLE_MISMATCHES:
        yield f"  and {len(mismatches) - EXAMPLE_MISMATCHES} more"
    if any(mismatch.found == f"rejected {RATE_LIMITED}" for mismatch in mismatches):
        yield "more than ten runs within an hour reach the rate limits of the stored users: wait, or use another HEROLD_HOME"


def _describe_next_steps(result: SampleResult, settings: SampleSettings, command: str) -> Iterator[str]:
    yield f"API documentation: {settings.api_url}/docs"
    yield f"what arrived at the providers: {settings.simulators_url}/inbox"
    body = '{"user_id": "u-ada", "type": "account.login-alert", "data": {"name": "Ada", "device": "a phone", "place": "Vienna"}}'
    yield f"  curl -H 'Authorization: Bearer {settings.api_key}' -d '{body}' {settings.api_url}/v1/notifications"
    for word, description in EXPLAIN_EXAMPLES.items():
        if word in result.examples:
            yield f"  {command} explain {result.examples[word]}   # {description}"
    if result.broadcast is not None:
        yield f"  {command} broadcasts show {result.broadcast.id}   # a broadcast to {result.broadcast.users} users"
    yield f"  {command} tail    # follows status events"
    yield f"  {command} simulators  # counts of the simulators' requests"
