"""Who changes something with a command, and why."""

import getpass
from collections.abc import Callable
from typing import Any, TypeVar

import click

from schemas.users import ChangeOrigin

F = TypeVar("F", bound=Callable[..., Any])


def add_origin_options(command: F) -> F:
    """Add the options --comment and --actor, which the history of a change shows."""
    comment_option = click.option("--comment", default="", help="Why, for the history.")
    actor_option = click.option("--actor", default="", envvar="HEROLD_ACTOR", show_envvar=True, help="Who; by default you.")
    return comment_option(actor_option(command))


def build_origin(actor: str, comment: str) -> ChangeOrigin:
    """The origin of a command's change; without an actor, the user of the operating system."""
    return ChangeOrigin("cli", actor or _get_user(), comment)


def _get_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "cli"
