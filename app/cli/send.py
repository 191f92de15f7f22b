"""`herold send`: submits one notification, or a file of them."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli import formatting
from app.cli.api_client import ApiClient, build_notification_path, load_gateway_client
from app.cli.attachments import read_attachments
from app.cli.errors import EXIT_FAILED, EXIT_NOT_FOUND, CommandError
from app.cli.json_input import parse_json
from app.cli.output import JsonObject, add_gateway_options, build_progress_console, json_option, print_result
from app.cli.times import TIME_FORMATS, TimeParameter
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES, State, Status
from schemas.json_errors import BYTE_ORDER_MARK

MAX_BULK_ITEMS = 500  # notifications of one request
MAX_SHOWN_ERRORS = 10
HTTP_UNPROCESSABLE_CONTENT = 422
INVALID_LINE_ADVICE = "each line must be one notification; the batch with this line was not submitted"
DATA_HELP = "Template variables: name=text, name:=JSON, or a JSON object. Repeatable."
DATA_ADVICE = "must be name=text, name:=JSON or a JSON object"
POLL_INTERVAL = 0.1  # seconds
FAILED_STATUSES = frozenset({Status.FAILED, Status.BOUNCED})


@click.command()
@click.option("--user", help="The recipient.")
@click.option("--type", "notification_type", help="The notification type; its rule decides how it is routed.")
@click.option("--data", multiple=True, metavar="K=V|K:=JSON|JSON", help=DATA_HELP)
@click.option("--to", multiple=True, metavar="CHANNEL=ADDRESS", help=f"Explicit address: {', '.join(CHANNEL_NAMES)}. Repeatable.")
@click.option("--channel", multiple=True, type=click.Choice(CHANNEL_NAMES), help="Use only this channel. Repeatable.")
@click.option(
    "--attach",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File for the e-mail; at most 120 KiB together. Repeatable.",
)
@click.option(
    "--push-option", multiple=True, metavar="K=V|K:=JSON", help="Option of the push messages, such as collapse_key=match-7. Repeatable."
)
@click.option("--template", help="Template; default: the rule's.")
@click.option("--locale", help="Locale, such as de-AT.")
@click.option("--priority", type=click.Choice(PRIORITIES), help="Priority; default: the rule's.")
@click.option("--send-at", type=TimeParameter(), metavar="TIME", help=f"Hold it until then: {TIME_FORMATS}; at most 30 days ahead.")
@click.option("--idempotency-key", help="A repeated submission with this key within 24 h is not sent again.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Submit each line of this file, a JSON object.")
@click.option("--wait", is_flag=True, help="Wait until the notification is final, and show it.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait at most.")
@add_gateway_options
@json_option
def send(
    file: Path | None,
    idempotency_key: str | None,
    wait: bool,
    timeout: float,
    url: str | None,
    api_key: str | None,
    as_json: bool,
    **fields: Any,
) -> None:
    """Submit a notification, or with --file many. Without --wait, success means that it is accepted, not that it is sent.

    \b
    herold send --user u-42 --type account.otp --data code=482193 --data minutes=5 --to email=a@example.org --wait
    herold send --user u-42 --type order.shipped --data order=17 --send-at +10m
    herold send --file notifications.jsonl
    """
    api = load_gateway_client(url, api_key)
    if file:
        if idempotency_key or wait or any(fields.values()):
            raise click.UsageError("--file cannot be combined with options of one notification: each line contains all its fields")
        _send_file(api, file, as_json)
        return
    headers = {"idempotency-key": idempotency_key.encode()} if idempotency_key else None
    response = api.post("/v1/notifications", build_submission(**fields), headers)
    if wait:
        _show_when_final(api, response["id"], timeout, as_json)
    else:
        print_result(response, as_json, _format_submission)


def _format_submission(response: JsonObject) -> RenderableType:
    """An accepted notification, which is not sent yet; the next step shows what becomes of it."""
    return formatting.build_key_value_table(
        {
            "accepted": response["id"],
            "priority": response["priority"],
            "next": f"accepted, not sent yet: `herold show {response['id']}` shows the result, as --wait does",
        }
    )


def build_submission(
    user: str | None,
    notification_type: str | None,
    data: Sequence[str],
    to: Sequence[str],
    channel: Sequence[str],
    attach: Sequence[Path] = (),
    push_option: Sequence[str] = (),
    **options: Any,
) -> JsonObject:
    """The body of a submission. Raises click.UsageError for an invalid option."""
    if not user or not notification_type:
        raise click.UsageError("--user and --type, or --file, are required: herold send --user u-42 --type order.shipped")
    body = {
        "user_id": user,
        "type": notification_type,
        "data": parse_data(data),
        "to": _parse_addresses(to),
        "channels": list(channel),
        "attachments": read_attachments(attach),
        "push": parse_data(push_option, "--push-option"),
        **options,
    }
    return {name: value for name, value in body.items() if value not in (None, {}, [])}


def parse_data(texts: Sequence[str], option: str = "--data") -> JsonObject:
    """Template variables, or what another option has.

    `name=text` is text and `name:=JSON` is JSON, as in HTTPie, so that a code such as 77950e8 stays as it is.
    """
    data: JsonObject = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if text.lstrip().startswith("{"):
            data.update(_parse_option_json(option, text, text))
        elif not equals or not name.removesuffix(":"):
            raise click.UsageError(f"{option} {text}: {DATA_ADVICE}")
        elif name.endswith(":"):
            data[name.removesuffix(":")] = _parse_option_json(option, text, value)
        else:
            data[name] = value
    return data


def _parse_option_json(option: str, given: str, text: str) -> Any:
    try:
        return parse_json(text.encode())
    except ValueError as error:
        raise click.UsageError(f"{option} {given}: {error}; {DATA_ADVICE}") from None


def _parse_addresses(texts: Sequence[str]) -> dict[str, list[str]]:
    addresses: dict[str, list[str]] = {}
    for text in texts:
        channel, equals, address = text.partition("=")
        if channel not in CHANNEL_NAMES or not equals or not address:
            raise click.UsageError(f"--to {text}: must be {'|'.join(CHANNEL_NAMES)}=address")
        addresses.setdefault(channel, []).append(address)
    return addresses


def _show_when_final(api: ApiClient, notification_id: str, timeout: float, as_json: bool) -> None:
    notification = _wait_until_final(api, notification_id, timeout)
    print_result(notification, as_json, formatting.format_notification)
    if not notification.get("final"):
        click.secho(f"not final after {timeout:g} s; check `herold show {notification_id}` later", fg="yellow", err=True)
    if not has_succeeded(notification):
        raise SystemExit(EXIT_FAILED)


def _wait_until_final(api: ApiClient, notification_id: str, timeout: float) -> JsonObject:
    """The notification when it is final, or after the timeout, in seconds."""
    deadline = time.monotonic() + timeout
    with build_progress_console().status(f"waiting for {notification_id}"):
        while True:
            notification = _get_notification(api, notification_id)
            if notification.get("final") or time.monotonic() > deadline:
                return notification
            time.sleep(POLL_INTERVAL)


def _get_notification(api: ApiClient, notification_id: str) -> JsonObject:
    """The notification; one that is not found was accepted, and its decision is not recorded yet."""
    try:
        notification: JsonObject = api.get(build_notification_path(notification_id))
    except CommandError as error:
        if error.exit_code != EXIT_NOT_FOUND:
            advice = f"do not submit it again: `herold show {notification_id}` shows the result later"
            raise CommandError(f"{notification_id} is accepted, but {error.message}", advice, error.exit_code) from None
        return {"id": notification_id, "state": "accepted"}
    return notification


def has_succeeded(notification: JsonObject) -> bool:
    """Whether a notification is final and routed, and none of its deliveries failed."""
    if not notification.get("final") or notification["state"] != State.ROUTED:
        return False
    return not any(delivery["status"] in FAILED_STATUSES for delivery in notification.get("deliveries", []))


def _send_file(api: ApiClient, file: Path, as_json: bool) -> None:
    totals = _submit_file(api, file, as_json)
    print_result(totals, as_json, _format_totals)
    if totals["accepted"] < totals["submitted"]:
        raise SystemExit(EXIT_FAILED)


def _submit_file(api: ApiClient, file: Path, as_json: bool) -> JsonObject:
    lines = [line for line in file.read_bytes().splitlines() if line.removeprefix(BYTE_ORDER_MARK).strip()]
    totals: JsonObject = {"submitted": len(lines), "accepted": 0, "invalid": 0, "unavailable": 0, "errors": []}
    columns = (TextColumn("submitting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=build_progress_console(), disable=as_json) as progress:
        task = progress.add_task("", total=len(lines))
        for start, batch in _parse_batches(lines, file):
            _add_results(totals, start, _submit_batch(api, batch))
            progress.advance(task, len(batch))
    return totals


def _parse_batches(lines: list[bytes], file: Path) -> Iterator[tuple[int, list[Any]]]:
    """The index of the first line and the notifications of each batch."""
    for start in range(0, len(lines), MAX_BULK_ITEMS):
        batch = lines[start : start + MAX_BULK_ITEMS]
        yield start, [_parse_line(line, number, file) for number, line in enumerate(batch, start + 1)]


def _parse_line(line: bytes, number: int, file: Path) -> Any:
    try:
        return parse_json(line)
    except ValueError as error:
        raise CommandError(f"{file}:{number}: {error}", INVALID_LINE_ADVICE) from None


def _submit_batch(api: ApiClient, batch: list[Any]) -> list[JsonObject]:
    """The result of each notification; the gateway responds with a problem only if none is valid."""
    try:
        results: list[JsonObject] = api.post("/v1/notifications/bulk", batch)["results"]
    except CommandError as error:
        if error.status != HTTP_UNPROCESSABLE_CONTENT:
            raise
        return [{"index": index, "status": "invalid", "errors": [item]} for index, item in enumerate(error.errors)]
    return results


def _add_results(totals: JsonObject, start: int, results: list[JsonObject]) -> None:
    for result in results:
        totals[result["status"]] += 1
        for error in result.get("errors", []):
            totals["errors"].append({"line": start + result["index"] + 1, "detail": f"{error['path']}: {error['detail']}"})


def _format_totals(totals: JsonObject) -> RenderableType:
    table = formatting.build_key_value_table(
        {name: str(totals[name]) for name in ("submitted", "accepted", "invalid", "unavailable") if totals[name]}
    )
    for error in totals["errors"][:MAX_SHOWN_ERRORS]:
        table.add_row(f"line {error['line']}", error["detail"])
    return table
