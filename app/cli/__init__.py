"""`herold`, the operator's command line: send, look up, watch, and look after topics, database and tables.

Exit codes: 0 done; 1 failed or refused; 2 wrong usage; 3 not found; 4 a server cannot be reached.
"""

import logging
from importlib import import_module
from importlib.metadata import entry_points

import click

from app.cli.errors import CommandError

ENTRY_POINT_GROUP = "herold.commands"
COMMAND_PATHS = {
    "send": "app.cli.send:send",
    "show": "app.cli.notifications:show",
    "explain": "app.cli.notifications:explain",
    "list": "app.cli.notifications:list_notifications",
    "tail": "app.cli.tail:tail",
    "topics": "app.cli.topics:topics",
    "db": "app.cli.db:db",
    "tables": "app.cli.tables:tables",
}


class LazyGroup(click.Group):
    """Loads a command's module when the command is used, so that the others cost nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMAND_PATHS, *entry_points(group=ENTRY_POINT_GROUP).names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMAND_PATHS:
            return _load_entry_point(cmd_name)
        module, _, name = COMMAND_PATHS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


def _load_entry_point(name: str) -> click.Command | None:
    """A command that another distribution or package adds; None if nobody does. All distributions are scanned for it, which takes time."""
    for entry_point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        try:
            command: click.Command = entry_point.load()
        except ImportError as error:
            raise CommandError(f"`herold {name}` cannot be loaded: {error}", "install herold[local]") from None
        return command
    return None


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="herold")
def main() -> None:
    """Tell people things, and prove that it was done.

    \b
    herold send --user u-42 --type order.shipped --data order=17 --to email=a@example.org --wait
    herold explain ntf_0199c82cc00070008000000000000001

    Commands find the stack that `make run` has started in this folder (HEROLD_HOME says another), or the servers
    that HEROLD_... variables name. Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 not found,
    4 a server cannot be reached.
    """
    # what aiokafka would print about a broker that is away is said in a sentence of ours
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
