"""The output of commands: one JSON document with --json, else tables and colours."""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType
from rich.segment import Segment, Segments

JsonValue = Any
JsonObject = dict[str, Any]

F = TypeVar("F", bound=Callable[..., Any])

# C0, DEL and C1; marks and overrides of direction; line and paragraph separators; half surrogate pairs, which cannot be printed
_CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

DEFAULT_WIDTH = 160  # columns without a terminal: enough for ids and times

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def add_gateway_options(command: F) -> F:
    """Add the options --url and --api-key, which override the connection profile."""
    url_option = click.option("--url", envvar="HEROLD_URL", show_envvar=True, help="The gateway's address, such as http://127.0.0.1:8080.")
    key_option = click.option("--api-key", envvar="HEROLD_GATEWAY_API_KEY", show_envvar=True, help="The API key.")
    return key_option(url_option(command))


def build_console() -> Console:
    """The console of stdout."""
    # without markup and emoji: text of a record such as [/b] or :bomb: is printed as it is
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, emoji=False, width=DEFAULT_WIDTH)


def build_progress_console() -> Console:
    """The console for progress: stderr, so that stdout is one JSON document with --json."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def escape_control_characters(text: str) -> str:
    """The text with control characters as escapes such as \\x1b: the terminal would obey them, and a record may contain any."""
    return _CONTROL_CHARACTER.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escape_value(value: JsonValue) -> JsonValue:
    """The value with the control characters of all its texts and names as escapes."""
    if isinstance(value, str):
        return escape_control_characters(value)
    if isinstance(value, dict):
        return {escape_value(name): escape_value(item) for name, item in value.items()}
    return [escape_value(item) for item in value] if isinstance(value, list | tuple) else value


def encode_json_line(value: JsonValue) -> str:
    """The value as JSON in one line; control characters that JSON allows in a text are escaped, too."""
    return _CONTROL_CHARACTER.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def print_result(result: JsonValue, as_json: bool, format_result: Callable[[Any], RenderableType]) -> None:
    """Print a result as JSON, or as `format_result` renders it."""
    if as_json:
        click.echo(encode_json_line(result))
    else:
        print_without_padding(build_console(), format_result(escape_value(result)))


def print_without_padding(console: Console, renderable: RenderableType) -> None:
    """Print without the spaces with which tables fill their lines: nobody sees them, and they are copied and compared with the text."""
    lines = console.render_lines(renderable, pad=False)
    for line in lines:
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            line[-1] = Segment(line[-1].text.rstrip(), line[-1].style, line[-1].control)
        line.append(Segment.line())
    console.print(Segments([segment for line in lines for segment in line]), end="")
