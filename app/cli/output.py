"""The output of commands: one JSON document with --json, else tables and colours."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType

JsonValue = Any
JsonObject = dict[str, Any]

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_WIDTH = 160  # columns without a terminal: enough for ids and times

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def add_gateway_options(command: F) -> F:
    """Add the options --url and --api-key, which override the connection profile."""
    url_option = click.option("--url", envvar="HEROLD_URL", show_envvar=True, help="The gateway's address, such as http://127.0.0.1:8080.")
    key_option = click.option("--api-key", envvar="HEROLD_GATEWAY_API_KEY", show_envvar=True, help="The API key.")
    return key_option(url_option(command))


def build_console() -> Console:
    """The console of stdout."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=DEFAULT_WIDTH)


def build_progress_console() -> Console:
    """The console for progress: stderr, so that stdout is one JSON document with --json."""
    return Console(stderr=True, highlight=False)


def print_result(result: JsonValue, as_json: bool, format_result: Callable[[Any], RenderableType]) -> None:
    """Print a result as JSON, or as `format_result` renders it."""
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        build_console().print(format_result(result))
