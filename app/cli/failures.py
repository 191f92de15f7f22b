"""How a command ends when it cannot do what was asked: a sentence, what to do about it, and an exit code."""

import json
import sys
from collections.abc import Sequence
from typing import IO, Any

import click

FAILED, NOT_FOUND, UNREACHABLE = 1, 3, 4


class Failure(click.ClickException):
    """Ends a command; `advice` says what to do, `status` and `errors` are those of an HTTP answer."""

    def __init__(self, message: str, advice: str = "", exit_code: int = FAILED, status: int = 0, errors: Sequence[Any] = ()) -> None:
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


def unreachable(what: str, where: str, cause: object) -> Failure:
    """A server that does not answer."""
    advice = f"is `make run` running? Or does {HINTS[what]} name another place?"
    why = str(cause).removeprefix(f"{what} does not answer: ").removeprefix(f"{what} at {where}: ").rstrip(": ")
    return Failure(f"{what} at {where} does not answer ({why})", advice, UNREACHABLE)


HINTS = {
    "the gateway": "--url or HEROLD_GATEWAY_HOST and HEROLD_GATEWAY_PORT",
    "the twins' server": "HEROLD_TWINS_URL",
    "Kafka": "KAFKA_BOOTSTRAP_SERVERS",
    "PostgreSQL": "DATABASE_URL",
    "the worker": "--worker",
}
