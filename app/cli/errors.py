"""How a command ends when it cannot do what was asked: a sentence, what to do about it, and an exit code."""

import json
import sys
from collections.abc import Sequence
from typing import IO, Any

import click

EXIT_FAILED, EXIT_NOT_FOUND, EXIT_UNREACHABLE = 1, 3, 4


class CommandError(click.ClickException):
    """Ends a command; `advice` says what to do, `status` and `errors` are those of an HTTP answer."""

    def __init__(self, message: str, advice: str = "", exit_code: int = EXIT_FAILED, status: int = 0, errors: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.advice, self.exit_code, self.status, self.errors = advice, exit_code, status, errors
        context = click.get_current_context(silent=True)
        self._as_json = context is not None and bool(context.params.get("as_json"))

    def show(self, file: IO[Any] | None = None) -> None:
        """One JSON document on stdout if the command was asked for JSON, else two lines on stderr."""
        if self._as_json:
            click.echo(json.dumps({"error": self.message, "advice": self.advice, "exit_code": self.exit_code}))
            return
        click.secho(f"error: {self.message}", fg="red", err=True, file=file or sys.stderr)
        if self.advice:
            click.echo(f"       {self.advice}", err=True, file=file or sys.stderr)


def build_unreachable_error(server_name: str, address: str, cause: object) -> CommandError:
    """A server that does not answer."""
    advice = f"is `make run` running? Or does {ADDRESS_OPTIONS[server_name]} name another place?"
    why = str(cause).removeprefix(f"{server_name} does not answer: ").removeprefix(f"{server_name} at {address}: ").rstrip(": ")
    return CommandError(f"{server_name} at {address} does not answer ({why})", advice, EXIT_UNREACHABLE)


ADDRESS_OPTIONS = {
    "the gateway": "--url or HEROLD_GATEWAY_HOST and HEROLD_GATEWAY_PORT",
    "the simulators' server": "HEROLD_SIMULATORS_URL",
    "Kafka": "KAFKA_BOOTSTRAP_SERVERS",
    "PostgreSQL": "DATABASE_URL",
    "the worker": "--worker",
}
