"""`herold`, the operator's command line: send, look up, watch, and look after topics, database and tables.

Exit codes: 0 done; 1 failed or refused; 2 wrong usage; 3 not found; 4 a server cannot be reached.
"""

import logging
from importlib import import_module

import click

COMMANDS = {
    "up": "app.cli.up:up",
    "send": "app.cli.send:send",
    "show": "app.cli.show:show",
    "explain": "app.cli.show:explain",
    "list": "app.cli.show:list_of_user",
    "tail": "app.cli.tail:tail",
    "ledger": "app.cli.ledger:ledger",
    "topics": "app.cli.topics:topics",
    "db": "app.cli.db:db",
    "tables": "app.cli.tables:tables",
}


class Lazy(click.Group):
    """Loads a command's module when the command is used, so that the others cost nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
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
