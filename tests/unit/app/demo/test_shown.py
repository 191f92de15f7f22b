"""What a person is shown: plain lines without a terminal, every count, what is wrong, and where to look next."""

import io

import msgspec
from rich.console import Console

from app.demo.account import Fate, account
from app.demo.ledger import Comparison, Latency
from app.demo.run import Result, sample_settings
from app.demo.shown import Shown
from app.settings import load

SETTINGS = sample_settings(load({"HEROLD_GATEWAY_API_KEY": "k-1"}))
LATENCY = {"high": Latency(3, 0.0123, 0.456)}
RESULT = Result(
    account([*[Fate("routed", ("SENT", "FAILED exhausted"), True)] * 3, Fate("refused duplicate", (), True)]),
    Comparison([], [], [], [], 0, 8, 3, LATENCY),
    {},
    {"routed": "ntf_1", "refused duplicate": "ntf_2"},
    4.2,
)


def told(result: Result, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
    Shown(console, ".venv/bin/herold").result(result, SETTINGS)
    return console.file.getvalue()


def progress(terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
    shown = Shown(console)
    with shown.progress(250):
        for _ in range(250):
            shown.taken(1)
        for lines in (40, 90, 210, 210, 250):
            shown.final(lines)
    return console.file.getvalue()


def test_without_a_terminal_progress_is_a_few_plain_lines() -> None:
    lines = progress(terminal=False).splitlines()
    assert lines[1:4] == ["100 of 250 handed in", "200 of 250 handed in", "250 of 250 handed in"]
    assert lines[4:] == ["210 of 250 final", "250 of 250 final"]


def test_on_a_terminal_progress_is_a_bar() -> None:
    assert "━" in progress(terminal=True)
    assert "100 of 250" not in progress(terminal=True)


def test_what_processes_say_meanwhile_stays_whole() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with Shown(console).progress(250):
        print("y" * 300)
    assert "y" * 300 in console.file.getvalue()


def test_every_count_is_shown() -> None:
    text = told(RESULT)
    rows = [[cell.strip() for cell in line.split("│")[1:-1] if cell.strip()] for line in text.splitlines()]
    for row in (
        ["routed", "3"],
        ["refused", "duplicate", "1"],
        ["SENT", "3"],
        ["FAILED", "exhausted", "3"],
        ["high", "3", "12 ms", "456 ms"],
    ):
        assert row in rows
    assert "4 of 4 are accounted for after 4.2 s" in text
    assert "8 requests for these deliveries, 3 were accepted, 0 more than once" in text
    assert "ledger and PostgreSQL agree" in text


def test_it_says_where_to_look_next() -> None:
    text = told(RESULT)
    assert f"{SETTINGS.api_url}/docs" in text
    assert "Authorization: Bearer k-1" in text
    assert "  .venv/bin/herold explain ntf_1   # delivered as its rule says" in text
    assert "  .venv/bin/herold explain ntf_2" in text
    assert "rate_limited" not in text


def test_what_is_wrong_is_said_plainly() -> None:
    wrong = Comparison(["dlv_1"], ["dlv_2"], ["dlv_3"], ["dlv_4"], 5, 8, 3, {})
    unfinished = account([Fate(), Fate(), Fate("routed", ("SENT",), True)], lost=1)
    text = told(msgspec.structs.replace(RESULT, account=unfinished, comparison=wrong, surprises={"routed": (9, 1)}))
    assert "1 were still under way after 120 s" in text
    assert "1 are LOST" in text
    assert "1 sent by PostgreSQL, not accepted by any provider: dlv_1" in text
    assert "1 accepted by a provider, not sent by PostgreSQL: dlv_2" in text
    assert "1 not planned by the router: dlv_3" in text
    assert "1 accepted by a provider, unknown to PostgreSQL: dlv_4" in text
    assert "5 more than once" in text
    assert "routed: 1, where docs/samples/README.md expects 9" in text
    assert "agree" not in text
