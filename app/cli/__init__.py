"""`herold`, the operator's command line.

Exit codes: 0 success; 1 failed or rejected; 2 wrong usage; 3 not found; 4 a server does not answer.
"""

import logging
from importlib import import_module
from importlib.metadata import entry_points
from typing import NoReturn

import click

from app.cli.errors import CommandError

ENTRY_POINT_GROUP = "herold.commands"
INSTALL_ADVICE = "pip install herold"
LOCAL_INSTALL_ADVICE = "pip install herold[local]"
COMMAND_PATHS = {
    "send": "app.cli.send:send",
    "show": "app.cli.notifications:show",
    "explain": "app.cli.notifications:explain",
    "list": "app.cli.notifications:list_notifications",
    "cancel": "app.cli.held_notifications:cancel",
    "reschedule": "app.cli.held_notifications:reschedule",
    "mark-read": "app.cli.notifications:mark_read",
    "state": "app.cli.state:state",
    "tail": "app.cli.tail:tail",
    "users": "app.cli.users:users",
    "devices": "app.cli.devices:devices",
    "push": "app.cli.push:push",
    "projects": "app.cli.projects:projects",
    "preferences": "app.cli.preferences:preferences",
    "suppressions": "app.cli.suppressions:suppressions",
    "api-keys": "app.cli.api_keys:api_keys",
    "audiences": "app.cli.audiences:audiences",
    "broadcasts": "app.cli.broadcasts:broadcasts",
    "schedules": "app.cli.schedules:schedules",
    "dead-letters": "app.cli.dead_letters:dead_letters",
    "redrives": "app.cli.redrives:redrives",
    "audit": "app.cli.audit:audit",
    "consent": "app.cli.consent:consent",
    "providers": "app.cli.providers:providers",
    "topics": "app.cli.topics:topics",
    "db": "app.cli.db:db",
    "redis": "app.cli.redis:redis",
    "encryption": "app.cli.encryption:encryption",
    "policy": "app.cli.policy:policy",
    "templates": "app.cli.templates:templates",
    "rules": "app.cli.rules:rules",
    "limits": "app.cli.limits:limits",
    "tables": "app.cli.tables:tables",
    "accounts": "app.cli.accounts:accounts",
    "login": "app.cli.login:login",
    "logout": "app.cli.login:logout",
    "whoami": "app.cli.login:whoami",
    "signing-keys": "app.cli.signing_keys:signing_keys",
    "webhooks": "app.cli.webhooks:webhooks",
    "webhook": "app.cli.webhook:webhook",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is used, because the imports take time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMAND_PATHS, *entry_points(group=ENTRY_POINT_GROUP).names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMAND_PATHS:
            return _load_entry_point(cmd_name)
        module, _, name = COMMAND_PATHS[cmd_name].partition(":")
        try:
            command: click.Command = getattr(import_module(module), name)
        except ImportError as error:  # a missing library must not break the other commands and the help
            return _build_unavailable_command(cmd_name, error, INSTALL_ADVICE)
        return command


def _load_entry_point(name: str) -> click.Command | None:
    """A command from the entry points, None if there is none. This scans all installed distributions, which takes time."""
    for entry_point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        try:
            command: click.Command = entry_point.load()
        except ImportError as error:
            return _build_unavailable_command(name, error, LOCAL_INSTALL_ADVICE)
        return command
    return None


def _build_unavailable_command(name: str, error: ImportError, advice: str) -> click.Command:
    """A command that fails with the error whatever its arguments, so that the help of `herold` can list it."""
    message = f"`herold {name}` is not available: {error}"

    def fail(args: tuple[str, ...]) -> NoReturn:
        raise CommandError(message, advice)

    return click.Command(
        name,
        callback=fail,
        params=[click.Argument(["args"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        help=f"Not available: {advice}",
    )


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="herold")
def main() -> None:
    """Submit notifications, show their deliveries and decisions, and operate topics, database and tables.

    \b
    herold send --user u-42 --type account.otp --data code=482193 --data minutes=5 --to email=a@example.org --wait
    herold explain ntf_0199c82cc00070008000000000000001

    Commands connect to the stack that `make run` has started in this directory or in HEROLD_HOME, or to the servers
    that HEROLD_... variables name. Exit codes: 0 success, 1 failed or rejected, 2 wrong usage, 3 not found,
    4 a server does not answer.
    """
    # aiokafka's log records about an unavailable broker are not printed: the CommandError reports it
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
