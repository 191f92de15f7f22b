"""Errors of commands: a sentence, advice, and an exit code."""

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from typing import IO, Any, TypeVar

import click

from app.cli.output import encode_json_line, escape_control_characters
from schemas.errors import (
    HeroldError,
    MissingRateLimitError,
    MissingRuleError,
    PolicyDocumentError,
    RecordedNotificationsUnavailableError,
    UnavailableError,
)

T = TypeVar("T")

EXIT_FAILED, EXIT_NOT_FOUND, EXIT_UNREACHABLE = 1, 3, 4

ADDRESS_OPTIONS = {
    "the gateway": "--url or HEROLD_GATEWAY_HOST and HEROLD_GATEWAY_PORT",
    "the simulators' server": "HEROLD_SIMULATORS_URL",
    "Kafka": "KAFKA_BOOTSTRAP_SERVERS",
    "PostgreSQL": "DATABASE_URL",
    "the worker": "--worker",
}


class CommandError(click.ClickException):
    """A command fails: `advice` says what to do; `status` and `errors` are those of an HTTP problem."""

    def __init__(self, message: str, advice: str = "", exit_code: int = EXIT_FAILED, status: int = 0, errors: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.advice, self.exit_code, self.status, self.errors = advice, exit_code, status, errors
        context = click.get_current_context(silent=True)
        self._as_json = context is not None and bool(context.params.get("as_json"))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print one JSON document to stdout with --json, else two lines to stderr."""
        if self._as_json:
            click.echo(encode_json_line({"error": self.message, "advice": self.advice, "exit_code": self.exit_code}))
            return
        click.secho(f"error: {escape_control_characters(self.message)}", fg="red", err=True, file=file or sys.stderr)
        if self.advice:
            click.echo(f"       {escape_control_characters(self.advice)}", err=True, file=file or sys.stderr)


def build_unreachable_error(server_name: str, address: str, cause: object) -> CommandError:
    """The error of a server that does not answer; `server_name` is a key of ADDRESS_OPTIONS."""
    # the texts of some causes begin with the sentence that is built here
    detail = str(cause).removeprefix(f"{server_name} does not answer: ").removeprefix(f"{server_name} at {address}: ").rstrip(": ")
    advice = f"start the stack with `make run`, or set the address with {ADDRESS_OPTIONS[server_name]}"
    return CommandError(f"{server_name} at {address} does not answer ({detail})", advice, EXIT_UNREACHABLE)


def run_async(coroutine: Coroutine[Any, Any, T], server_name: str, address: str) -> T:
    """The result of a coroutine that calls one server. Raises CommandError for every error of Herold."""
    try:
        return asyncio.run(coroutine)
    except RecordedNotificationsUnavailableError as error:
        advice = f"start the stack with `make run`, or set the address with {ADDRESS_OPTIONS['Kafka']}"
        raise CommandError(str(error), advice, EXIT_UNREACHABLE) from None
    except UnavailableError as error:
        raise build_unreachable_error(server_name, address, error) from None
    except PolicyDocumentError:
        raise
    except (MissingRuleError, MissingRateLimitError) as error:
        raise CommandError(str(error), exit_code=EXIT_NOT_FOUND) from None
    except HeroldError as error:
        raise CommandError(str(error)) from None


def run_query(database_url: str, query: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that calls PostgreSQL. Raises as run_async does."""
    address = database_url.rpartition("@")[2].partition("?")[0]  # without user, password and parameters, which may be secrets
    return run_async(query, "PostgreSQL", address)
