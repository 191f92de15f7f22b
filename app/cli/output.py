"""What commands print: one JSON document with --json, else tables and colours."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def add_gateway_options(command: F) -> F:
    """The options that name another gateway than the one found."""
    command = click.option("--url", envvar="HEROLD_URL", show_envvar=True, help="Address of the gateway, such as http://127.0.0.1:8080.")(
        command
    )
    return click.option("--api-key", envvar="HEROLD_GATEWAY_API_KEY", help="The API key.", show_envvar=True)(command)


def build_console() -> Console:
    """The terminal; without one, wide enough for ids and times."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=160)


def build_progress_console() -> Console:
    """Where progress is shown: beside the output, so that `--json` stays one document."""
    return Console(stderr=True, highlight=False)


def print_result(value: Any, as_json: bool, format_value: Callable[[Any], RenderableType]) -> None:
    """Print a value, as JSON or as the view draws it."""
    if as_json:
        click.echo(json.dumps(value, ensure_ascii=False))
    else:
        build_console().print(format_value(value))
