"""`herold simulators`: the request log of the provider simulators, and faults that are switched on for a time."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import ApiClient
from app.cli.connection_profile import load_connection_profile
from app.cli.output import json_option, print_result
from dev.simulators.latency import parse_duration, parse_latency

F = TypeVar("F", bound=Callable[..., Any])
PROVIDERS = ("sendgrid", "twilio", "fcm", "webhook", "all")
CONNECTION_FAULTS = {
    "drop": "Accept the request, then close the connection without a response.",
    "truncate": "Accept it, send half of the response, then close the connection.",
    "reset": "Reset the connection; the request is not processed.",
    "hang": "Do not respond; the request is not processed.",
    "trickle": "Accept it, and send a byte of the response per second.",
    "endless": "Accept it, and send a body that does not end.",
    "bomb": "Accept it, and send a body that gzip decompresses to 64 MiB.",
    "interim": "Accept it, and send 1xx responses before the response.",
}

url_option = click.option("--url", help="URL of the simulators' server.")


def add_connection_options(command: F) -> F:
    """Add one flag for each fault of the connection."""
    for name, text in reversed(CONNECTION_FAULTS.items()):
        command = click.option(f"--{name}", "connection", flag_value=name, help=text)(command)
    return command


def connect(url: str | None) -> ApiClient:
    """The client of the simulators' server."""
    return ApiClient(url or load_connection_profile().simulators_url, "the simulators' server", {})


@click.group(invoke_without_command=True)
@click.option("--delivery", default="", help="Only requests for this delivery id.")
@click.option("--address", default="", help="Only requests to this address.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Maximum number of requests.")
@url_option
@json_option
@click.pass_context
def simulators(context: click.Context, delivery: str, address: str, limit: int, url: str | None, as_json: bool) -> None:
    """Show the request counts of the simulators, or the requests for a delivery or address; switch faults on and off.

    \b
    herold simulators
    herold simulators --address a@example.org
    herold simulators fault twilio --status 503 --for 2m
    """
    if context.invoked_subcommand:
        return
    api = connect(url)
    if delivery or address:
        print_result(api.get("/requests/search", delivery_id=delivery, address=address, limit=limit), as_json, _format_requests)
    else:
        print_result(api.get("/requests/counts"), as_json, _format_counts)


def _check_duration(context: click.Context, parameter: click.Parameter, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _check_latency(context: click.Context, parameter: click.Parameter, text: str) -> str:
    try:
        return text and parse_latency(text) and text
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@simulators.command()
@click.argument("provider", type=click.Choice(PROVIDERS))
@click.option("--for", "seconds", default="2m", show_default=True, callback=_check_duration, help="How long: 30s, 2m, 1h.")
@click.option("--status", type=click.IntRange(400, 599), help="Respond with this HTTP status.")
@click.option("--retry-after", help="When to try again, as the response says it: 60, or any text; empty: it says nothing.")
@click.option("--latency", default="", callback=_check_latency, help="200ms, uniform:100ms-2s, exponential:500ms or lognormal:300ms:1.2.")
@add_connection_options
@click.option("--ratio", default=1.0, show_default=True, type=click.FloatRange(0, 1, min_open=True), help="The part of the requests.")
@click.option("--seed", default=1, show_default=True, help="Which of them: the same seed chooses the same ones.")
@click.option("--key", default="", help="Only an account or credential that begins with this: API key, account SID, project, host or path.")
@url_option
@json_option
def fault(url: str | None, as_json: bool, **options: Any) -> None:
    """Let requests to a provider fail for a time.

    \b
    herold simulators fault twilio --status 503 --for 2m
    herold simulators fault sendgrid --status 429 --retry-after 60 --ratio 0.3
    herold simulators fault fcm --latency uniform:1s-5s --drop
    """
    if options["status"] is None and not options["latency"] and options["connection"] is None:
        raise click.UsageError("say what is to happen: --status, --latency or one of --" + ", --".join(CONNECTION_FAULTS))
    print_result(connect(url).post("/faults", options), as_json, lambda report: _format_faults([report]))


@simulators.command()
@url_option
@json_option
def faults(url: str | None, as_json: bool) -> None:
    """List the faults that are switched on."""
    print_result(connect(url).get("/faults"), as_json, _format_faults)


@simulators.command()
@click.argument("fault_id", type=int, required=False)
@url_option
@json_option
def heal(fault_id: int | None, url: str | None, as_json: bool) -> None:
    """Switch one fault off, or all.

    \b
    herold simulators heal
    herold simulators heal 3
    """
    result = connect(url).delete("/faults" if fault_id is None else f"/faults/{fault_id}")
    print_result(result, as_json, lambda result: f"switched off: {result['removed']}")


@simulators.command()
@click.argument("number")
@click.argument("text")
@click.option("--to", default="", help="The number of Twilio's that the message is for.")
@url_option
@json_option
def reply(number: str, text: str, to: str, url: str | None, as_json: bool) -> None:
    """Let somebody write a text message to Twilio's number, such as STOP.

    \b
    herold simulators reply +4366012345678 STOP
    """
    query = urlencode({"from": number, "text": text, "to": to})
    print_result(connect(url).post(f"/callbacks/inbound?{query}", {}), as_json, _format_counts)


def _format_counts(report: Mapping[str, Any]) -> RenderableType:
    return formatting.build_key_value_table({name.replace("_", " "): _format_count(value) for name, value in report.items()})


def _format_count(value: object) -> str:
    return formatting.format_fields(value) if isinstance(value, Mapping) else str(value)


def _format_requests(entries: list[Mapping[str, Any]]) -> RenderableType:
    table = formatting.build_table(
        "when", "provider", "delivery", "address", "status", "fault", title="" if entries else "no matching request"
    )
    for entry in entries:
        table.add_row(
            formatting.format_time(entry["at"]),
            entry["provider"],
            entry["delivery_id"],
            entry["address"],
            str(entry["status"]),
            entry["fault"],
        )
    return table


def _format_faults(reports: list[Mapping[str, Any]]) -> RenderableType:
    columns = ("id", "provider", "what happens", "to", "ends in", "matched", "changed")
    table = formatting.build_table(*columns, title="" if reports else "no fault is switched on")
    for report in reports:
        request = report["fault"]
        table.add_row(
            str(report["id"]),
            request["provider"],
            _describe_fault(request),
            f"{request['ratio']:.0%} of the requests" + (f" of {request['key']}..." if request["key"] else ""),
            f"{report['ends_in']:.0f} s",
            str(report["matched"]),
            str(report["changed"]),
        )
    return table


def _describe_fault(request: Mapping[str, Any]) -> str:
    parts = [f"status {request['status']}"] if request["status"] else []
    if request["retry_after"] is not None:
        parts.append(f"retry after {request['retry_after'] or 'an unknown time'}")
    parts += [f"latency {request['latency']}"] if request["latency"] else []
    parts += [request["connection"]] if request["connection"] else []
    return ", ".join(parts)
