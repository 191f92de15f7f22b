"""What a person sees of the sample: a progress bar, or plain lines where there is no terminal; tables; and where to look next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from dev.sample.runner import SampleResult, SampleSettings

PROGRESS_STEP = 100  # lines between two plain lines of progress
EXPLAIN_EXAMPLES = {
    "routed": "delivered as its rule says",
    "rejected duplicate": "the same key as an earlier one",
    "rejected rate_limited": "more text messages than the user may get",
    "dead missing_variable": "a variable of its template is missing",
    "FAILED rejected_recipient": "the provider does not know the address",
    "FAILED retries_exhausted": "tried three times in vain",
    "UNSUBSCRIBED opted_out": "the recipient has sent STOP",
}


class ConsoleReport:
    """Tells how the sample goes on a console; `command` is how `herold` is called here."""

    def __init__(self, console: Console, command: str = "herold") -> None:
        self._console, self._command = console, command
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True
        )
        self._size = self._submitted = self._final = 0

    @contextmanager
    def show_progress(self, size: int) -> Iterator[None]:
        """A bar for what is handed in and one for what is final, of so many lines."""
        self._size = size
        self._console.print(f"submitting {size} submissions of a shop, over Kafka and HTTP")
        self._tasks = [self._bars.add_task(words, total=size) for words in ("submitted", "final")]
        if not self._console.is_terminal:
            yield
            return
        self._console.soft_wrap = True  # what processes say meanwhile stands above the bars, and ids in it stay whole
        try:
            with self._bars:
                yield
        finally:
            self._console.soft_wrap = False

    def add_submitted(self, lines: int) -> None:
        """So many more are handed in."""
        before, self._submitted = self._submitted, self._submitted + lines
        self._bars.update(self._tasks[0], completed=self._submitted)
        self._print_progress("submitted", before, self._submitted)

    def set_final(self, lines: int) -> None:
        """So many are final."""
        before, self._final = self._final, lines
        self._bars.update(self._tasks[1], completed=lines)
        self._print_progress("final", before, lines)

    def _print_progress(self, words: str, before: int, now: int) -> None:
        if not self._console.is_terminal and (before // PROGRESS_STEP != now // PROGRESS_STEP or before < now == self._size):
            self._console.print(f"{now} of {self._size} {words}")

    def print_result(self, result: "SampleResult", settings: "SampleSettings") -> None:
        """The tables, what is wrong if anything is, and where to look next."""
        console = self._console
        for table in (_build_results_table(result), _build_statuses_table(result), _build_latency_table(result)):
            console.print(table)
        for line in (*_describe_findings(result, settings), "", *_describe_next_steps(result, settings, self._command)):
            console.print(line, soft_wrap=True, highlight=False, markup=False)


def _build_results_table(result: "SampleResult") -> Table:
    table = Table("result", "reason", "submissions", title="Submissions")
    for fate, count in sorted(result.reconciliation.result_counts.items(), key=lambda each: (each[0].split()[0] != "routed", each[0])):
        state, _, reason = fate.partition(" ")
        table.add_row(state, reason, str(count))
    table.add_section()
    table.add_row("in flight", "", str(result.reconciliation.in_flight_count))
    table.add_row("lost", "", str(result.reconciliation.lost_count))
    table.add_row("all", "", str(result.reconciliation.submitted_count))
    table.columns[2].justify = "right"
    return table


def _build_statuses_table(result: "SampleResult") -> Table:
    table = Table("status", "reason", "deliveries", title="Deliveries of those that were routed")
    for status, count in sorted(result.reconciliation.status_counts.items(), key=lambda each: -each[1]):
        word, _, reason = status.partition(" ")
        table.add_row(word, reason, str(count))
    table.columns[2].justify = "right"
    return table


def _build_latency_table(result: "SampleResult") -> Table:
    table = Table("priority", "deliveries", "p50", "p99", title="From submission to the provider")
    for priority, latency in result.comparison.latency_by_priority.items():
        table.add_row(priority, str(latency.count), f"{latency.p50 * 1000:.0f} ms", f"{latency.p99 * 1000:.0f} ms")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _describe_findings(result: "SampleResult", settings: "SampleSettings") -> Iterator[str]:
    account, comparison = result.reconciliation, result.comparison
    final = account.result_counts.total()
    yield f"{final} of {account.submitted_count} are final after {result.seconds:.1f} s"
    if account.in_flight_count:
        yield f"{account.in_flight_count} were still in flight after {settings.timeout:.0f} s: look at the logs of the roles for what waits"
    if account.lost_count:
        yield f"{account.lost_count} are LOST: no role has anything left to read, and they are not final"
    yield (
        f"the simulators' request log has {comparison.request_count} requests for these deliveries, "
        f"{comparison.accepted_count} were accepted, {comparison.duplicate_count} more than once"
    )
    if comparison.consistent:
        yield "request log and PostgreSQL agree"
    faults = {
        "sent by PostgreSQL, not accepted by any provider": comparison.missing_requests,
        "accepted by a provider, not sent by PostgreSQL": comparison.unrecorded_sends,
        "not planned by the router": comparison.unplanned_deliveries,
        "accepted by a provider, unknown to PostgreSQL": comparison.unknown_deliveries,
    }
    yield from (f"{len(ids)} {fault}: {', '.join(ids[:3])}" for fault, ids in faults.items() if ids)
    for word, (expected, got) in result.mismatches.items():
        yield f"{word}: {got}, where docs/samples/README.md expects {expected}"


def _describe_next_steps(result: "SampleResult", settings: "SampleSettings", command: str) -> Iterator[str]:
    yield f"API and its documentation: {settings.api_url}/docs"
    body = '{"user_id": "u-ada", "type": "account.login-alert", "data": {"name": "Ada", "device": "a phone", "place": "Vienna"}}'
    yield f"  curl -H 'Authorization: Bearer {settings.api_key}' -d '{body}' {settings.api_url}/v1/notifications"
    for word, about in EXPLAIN_EXAMPLES.items():
        if word in result.examples:
            yield f"  {command} explain {result.examples[word]}   # {about}"
    yield f"  {command} tail    # statuses as they come"
    yield f"  {command} simulators  # what the providers were asked to do"
