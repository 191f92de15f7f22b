"""The options of commands that list: a search, a limit and a cursor; and the page that they print."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.cli.output import JsonObject

F = TypeVar("F", bound=Callable[..., Any])

MAX_PAGE_SIZE = 200


def add_page_options(command: F) -> F:
    """Add the options --limit and --cursor."""
    limit_option = click.option("--limit", default=20, show_default=True, type=click.IntRange(1, MAX_PAGE_SIZE), help="How many to list.")
    cursor_option = click.option("--cursor", help="Go on where the list before ended; it printed this text.")
    return limit_option(cursor_option(command))


def select_given(**params: str | int | bool | None) -> dict[str, str | int]:
    """The parameters of a request that have a value."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value for name, value in params.items() if value not in (None, "", False)
    }


def format_page(table: Table, page: JsonObject) -> RenderableType:
    """The table, and how to go on if there is more."""
    if not page.get("next_cursor"):
        return table if table.row_count else Text("none")
    return Group(table, Text(f"more: --cursor {page['next_cursor']}", "dim"))
