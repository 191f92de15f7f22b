"""What a person sees of the sample: a progress bar, or plain lines where there is no terminal; tables; and where to look next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from app.demo.run import Result, SampleSettings

STEP = 100  # lines between two plain lines of progress
INTERESTING = {
    "routed": "delivered as its rule says",
    "refused duplicate": "the same key as an earlier one",
    "refused rate_limited": "more text messages than the user may get",
    "dead missing_variable": "a variable of its template is missing",
    "FAILED rejected_recipient": "the provider does not know the address",
    "FAILED exhausted": "tried three times in vain",
    "UNSUBSCRIBED opted_out": "the recipient has sent STOP",
}


class Shown:
    """Tells how the sample goes on a console; `command` is how `herold` is called here."""

    def __init__(self, console: Console, command: str = "herold") -> None:
        self._console, self._command = console, command
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True
        )
        self._size = self._submitted = self._final = 0

    @contextmanager
    def progress(self, size: int) -> Iterator[None]:
        """A bar for what is handed in and one for what is final, of so many lines."""
        self._size = size
        self._console.print(f"handing in {size} submissions of a shop, over Kafka and HTTP")
        self._tasks = [self._bars.add_task(words, total=size) for words in ("handed in", "final")]
        if not self._console.is_terminal:
            yield
            return
        self._console.soft_wrap = True  # what processes say meanwhile stands above the bars, and ids in it stay whole
        try:
            with self._bars:
                yield
        finally:
            self._console.soft_wrap = False

    def taken(self, lines: int) -> None:
        """So many more are handed in."""
        before, self._submitted = self._submitted, self._submitted + lines
        self._bars.update(self._tasks[0], completed=self._submitted)
        self._tell("handed in", before, self._submitted)

    def final(self, lines: int) -> None:
        """So many are final."""
        before, self._final = self._final, lines
        self._bars.update(self._tasks[1], completed=lines)
        self._tell("final", before, lines)

    def _tell(self, words: str, before: int, now: int) -> None:
        if not self._console.is_terminal and (before // STEP != now // STEP or before < now == self._size):
            self._console.print(f"{now} of {self._size} {words}")

    def result(self, result: "Result", settings: "SampleSettings") -> None:
        """The tables, what is wrong if anything is, and where to look next."""
        console = self._console
        for table in (_fates(result), _statuses(result), _latency(result)):
            console.print(table)
        for line in (*_verdict(result, settings), "", *_next(result, settings, self._command)):
            console.print(line, soft_wrap=True, highlight=False, markup=False)


def _fates(result: "Result") -> Table:
    table = Table("what became of them", "why", "submissions", title="Submissions")
    for fate, count in sorted(result.account.fates.items(), key=lambda each: (each[0].split()[0] != "routed", each[0])):
        state, _, reason = fate.partition(" ")
        table.add_row(state, reason, str(count))
    table.add_section()
    table.add_row("in flight", "", str(result.account.in_flight))
    table.add_row("lost", "", str(result.account.lost))
    table.add_row("all", "", str(result.account.submitted))
    table.columns[2].justify = "right"
    return table


def _statuses(result: "Result") -> Table:
    table = Table("status", "why", "deliveries", title="Deliveries of those that were routed")
    for status, count in sorted(result.account.statuses.items(), key=lambda each: -each[1]):
        word, _, reason = status.partition(" ")
        table.add_row(word, reason, str(count))
    table.columns[2].justify = "right"
    return table


def _latency(result: "Result") -> Table:
    table = Table("lane", "deliveries", "p50", "p99", title="From handing in to the provider")
    for lane, latency in result.comparison.latency.items():
        table.add_row(lane, str(latency.count), f"{latency.p50 * 1000:.0f} ms", f"{latency.p99 * 1000:.0f} ms")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _verdict(result: "Result", settings: "SampleSettings") -> Iterator[str]:
    account, comparison = result.account, result.comparison
    final = account.fates.total()
    yield f"{final} of {account.submitted} are accounted for after {result.seconds:.1f} s"
    if account.in_flight:
        yield f"{account.in_flight} were still under way after {settings.timeout:.0f} s: look at the logs of the roles for what waits"
    if account.lost:
        yield f"{account.lost} are LOST: no role has anything left to read, and they are not final"
    requests = f"the twins' ledger has {comparison.requests} requests for these deliveries, {comparison.accepted} were accepted"
    yield f"{requests}, {comparison.duplicates} more than once"
    if comparison.agrees:
        yield "ledger and PostgreSQL agree"
    faults = {
        "sent by PostgreSQL, not accepted by any provider": comparison.missing,
        "accepted by a provider, not sent by PostgreSQL": comparison.unsent,
        "not planned by the router": comparison.unplanned,
        "accepted by a provider, unknown to PostgreSQL": comparison.unknown,
    }
    yield from (f"{len(ids)} {fault}: {', '.join(ids[:3])}" for fault, ids in faults.items() if ids)
    for word, (expected, got) in result.surprises.items():
        yield f"{word}: {got}, where docs/samples/README.md expects {expected}"


def _next(result: "Result", settings: "SampleSettings", command: str) -> Iterator[str]:
    yield f"API and its documentation: {settings.api_url}/docs"
    body = '{"user_id": "u-ada", "type": "account.login-alert", "data": {"name": "Ada", "device": "a phone", "place": "Vienna"}}'
    yield f"  curl -H 'Authorization: Bearer {settings.api_key}' -d '{body}' {settings.api_url}/v1/notifications"
    for word, about in INTERESTING.items():
        if word in result.examples:
            yield f"  {command} explain {result.examples[word]}   # {about}"
    yield f"  {command} tail    # statuses as they come"
    yield f"  {command} ledger  # what the providers were asked to do"
