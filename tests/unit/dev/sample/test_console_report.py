"""The console report: plain lines without a terminal, all counts, the findings and the next steps."""

import io

import msgspec
from rich.console import Console

from app.settings import load_settings
from dev.sample.broadcast import BroadcastProgress
from dev.sample.console_report import ConsoleReport
from dev.sample.reconciliation import LineMismatch, LineResult, reconcile
from dev.sample.request_log_comparison import LatencyPercentiles, RequestLogComparison
from dev.sample.result import SampleResult
from dev.sample.settings import build_sample_settings

SETTINGS = build_sample_settings(load_settings({"HEROLD_GATEWAY_API_KEY": "k-1"}))
LATENCY = {"high": LatencyPercentiles(3, 0.0123, 0.456)}
RESULT = SampleResult(
    reconcile([*[LineResult("routed", ("SENT", "FAILED retries_exhausted"), True)] * 3, LineResult("rejected duplicate", (), True)]),
    RequestLogComparison([], [], [], [], 0, 8, 3, LATENCY),
    [],
    {"routed": "ntf_1", "rejected duplicate": "ntf_2"},
    4.2,
)


def render_result(result: SampleResult) -> str:
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    report = ConsoleReport(console, ".venv/bin/herold")
    report.print_result(result)
    report.print_next_steps(result, SETTINGS)
    return console.file.getvalue()


def render_progress(terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
    report = ConsoleReport(console, "herold")
    with report.show_progress(250):
        for _ in range(250):
            report.add_submitted(1)
        for lines in (40, 90, 210, 210, 250):
            report.set_final(lines)
    return console.file.getvalue()


def test_without_a_terminal_progress_is_plain_lines() -> None:
    lines = render_progress(terminal=False).splitlines()
    assert lines[1:4] == ["100 of 250 submitted", "200 of 250 submitted", "250 of 250 submitted"]
    assert lines[4:] == ["210 of 250 final", "250 of 250 final"]


def test_on_a_terminal_progress_is_a_bar() -> None:
    assert "━" in render_progress(terminal=True)
    assert "100 of 250" not in render_progress(terminal=True)


def test_output_of_processes_is_not_wrapped_while_the_bars_are_shown() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with ConsoleReport(console, "herold").show_progress(250):
        print("y" * 300)
    assert "y" * 300 in console.file.getvalue()


def test_every_count_is_shown() -> None:
    text = render_result(RESULT)
    rows = [[cell.strip() for cell in line.split("│")[1:-1] if cell.strip()] for line in text.splitlines()]
    for row in (
        ["routed", "3"],
        ["rejected", "duplicate", "1"],
        ["SENT", "3"],
        ["FAILED", "retries_exhausted", "3"],
        ["high", "3", "12 ms", "456 ms"],
    ):
        assert row in rows
    assert "4 of 4 submissions are final after 4.2 s" in text
    assert "8 requests, 3 accepted deliveries, 0 duplicates" in text
    assert "request log and PostgreSQL agree, and nothing was sent early" in text
    assert "every submission ended as docs/samples/shop.jsonl expects" in text


def test_the_broadcast_is_shown() -> None:
    text = render_result(msgspec.structs.replace(RESULT, broadcast=BroadcastProgress("brd_1", "failed", 18, 7)))
    assert "the broadcast is failed: 7 of 18 users have a notification" in text
    assert "  .venv/bin/herold broadcasts show brd_1   # a broadcast to 18 users" in text
    assert "broadcast" not in render_result(RESULT)


def test_the_next_steps_are_shown() -> None:
    text = render_result(RESULT)
    assert f"{SETTINGS.api_url}/docs" in text
    assert "Authorization: Bearer k-1" in text
    assert "  .venv/bin/herold explain ntf_1   # delivered according to its rule" in text
    assert "  .venv/bin/herold explain ntf_2" in text
    assert "rate_limited" not in text


def test_all_problems_are_shown() -> None:
    comparison = RequestLogComparison(["dlv_1"], ["dlv_2"], ["dlv_3"], ["dlv_4"], 5, 8, 3, {}, {"sendgrid": 7}, ["dlv_5"])
    unfinished = reconcile([LineResult(), LineResult(), LineResult("routed", ("SENT",), True)], lost_count=1)
    text = render_result(msgspec.structs.replace(RESULT, reconciliation=unfinished, comparison=comparison))
    assert "1 submissions were still in flight after " in text
    assert "1 submissions are LOST" in text
    assert "1 deliveries are SENT or DELIVERED in PostgreSQL, but no provider accepted them: dlv_1" in text
    assert "1 deliveries were accepted by a provider, but are PENDING or FAILED in PostgreSQL: dlv_2" in text
    assert "1 deliveries were not planned by the router: dlv_3" in text
    assert "1 deliveries were accepted by a provider, but are not in PostgreSQL: dlv_4" in text
    assert "1 deliveries were sent before their notification was due: dlv_5" in text
    assert "5 duplicates" in text
    assert "sendgrid rejected the credentials of 7 requests" in text
    assert "agree" not in text


def test_the_first_mismatches_are_shown_with_what_was_expected_and_found() -> None:
    mismatches = [LineMismatch(number, f"ntf_{number}", "routed, SENT", "routed, FAILED misconfigured") for number in range(2, 10)]
    mismatches[1] = LineMismatch(3, "", "unprocessable invalid", "unprocessable too_large")
    text = render_result(msgspec.structs.replace(RESULT, mismatches=mismatches))
    assert "8 submissions did NOT end as docs/samples/shop.jsonl expects" in text
    assert "line 2, ntf_2: expected routed, SENT; found routed, FAILED misconfigured" in text
    assert "line 3, without an id: expected unprocessable invalid; found unprocessable too_large" in text
    assert "ntf_6" in text
    assert "ntf_7" not in text
    assert "and 3 more" in text
    assert "ended as" not in text
    assert "ten runs" not in text


def test_rate_limits_after_many_runs_are_explained() -> None:
    mismatch = LineMismatch(1, "ntf_1", "routed, SENT", "rejected rate_limited")
    assert "more than ten runs within an hour" in render_result(msgspec.structs.replace(RESULT, mismatches=[mismatch]))
