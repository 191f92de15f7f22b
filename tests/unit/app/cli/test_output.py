"""No control character of a record reaches the terminal, in any command."""

import io
import json
import re
from functools import partial

import pytest
from rich.console import Console, Group
from rich.text import Text

from app.cli import formatting
from app.cli.errors import CommandError
from app.cli.output import encode_json_line, escape_control_characters, print_result, print_without_padding
from app.cli.tail import format_event
from schemas.enums import State, Status
from schemas.events import DecidedEvent, StatusEvent
from schemas.notification import Notification
from tests.herold_runner import HeroldRunner
from tests.unit.app.api.harness import GatewayHarness, make_notification_id
from tests.unit.app.cli.conftest import build_history

remove_colours = partial(re.compile("\x1b\\[[0-9;]*m").sub, "")
CONTROL_CHARACTERS = "\x1b]0;x\x07\r\n\x00\x7f\x9b\u202e\u2066\u200f\u2028\ud800"


@pytest.mark.parametrize("character", sorted(set(CONTROL_CHARACTERS) - set("]0;x")))
def test_a_control_character_is_escaped(character: str) -> None:
    escaped = escape_control_characters(f"a{character}b")
    assert escaped.isascii()
    assert escaped.isprintable()


def test_other_text_stays() -> None:
    assert escape_control_characters("Åda \U0001f600 [b] שלום") == "Åda \U0001f600 [b] שלום"


def test_json_is_escaped_and_means_the_same() -> None:
    line = encode_json_line({CONTROL_CHARACTERS: [CONTROL_CHARACTERS, "Åda"]})
    assert not set(line) & set(CONTROL_CHARACTERS) - set("]0;x")
    assert json.loads(line) == {CONTROL_CHARACTERS: [CONTROL_CHARACTERS, "Åda"]}


@pytest.mark.parametrize("command", [["show"], ["explain"], ["list"], ["show", "--json"]])
def test_a_record_with_control_characters_is_shown(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, command: list[str]
) -> None:
    user_id, notification_type = "u\x1b[2J\x9b\u202e", "[/b] :bomb: \x7f"
    gateway_harness.history.histories[make_notification_id(7)] = build_history(
        Notification(user_id, notification_type, make_notification_id(7))
    )
    target = user_id if command == ["list"] else make_notification_id(7)
    result = herold(*command, target, "--url", gateway_url)
    assert result.exit_code == 0, result.output
    assert not set("\x1b\x9b\u202e\x7f") & set(result.output)
    if command != ["explain"]:
        assert "[/b] :bomb:" in result.output


def test_tables_and_tail_escape_control_characters() -> None:
    decided = DecidedEvent("ntf_\x1b", "u\x1b", State.REJECTED, 1.0, 1.0, "low", "t\x9b", reason="r\u202e")
    status = StatusEvent("dlv_1", "ntf_\x1b", "u\x1b", "email", Status.SENT, 1.0, 1.0, provider="p\x9b", detail="d\r")
    assert all(not set("\x1b\x9b\u202e\r") & set(format_event(event).plain) for event in (decided, status))


def test_an_error_escapes_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    CommandError("m\x1b", "a\x9b").show()
    assert not set("\x1b\x9b") & set(capsys.readouterr().err)


def test_names_of_fields_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_result({"k\x9b": {"\x1b": ["\u202e"]}}, False, formatting.format_fields)
    assert not set("\x1b\x9b\u202e") & set(capsys.readouterr().out)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_no_line_of_a_table_ends_with_spaces(is_terminal: bool) -> None:
    table = formatting.build_table("a", "long name", "b")
    table.add_row("1", Text("short", "red"), "")
    table.add_row("x" * 70, "2", "3")
    output = io.StringIO()
    console = Console(file=output, width=60, force_terminal=is_terminal)
    print_without_padding(console, Group(table, "", "last"))
    lines = [remove_colours(line) for line in output.getvalue().split("\n")]
    assert [line for line in lines if line.endswith(" ")] == []
    assert [line.split() for line in lines[:2]] == [["a", "long", "name", "b"], ["1", "short"]]
    assert lines[-3:] == ["", "last", ""]
    assert ("\x1b[31mshort\x1b[0m\n" in output.getvalue()) == is_terminal
