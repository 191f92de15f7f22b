"""`herold send`: submit one notification, or a file of them."""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli import formatting
from app.cli.api_client import ApiClient, build_notification_path
from app.cli.errors import EXIT_FAILED, EXIT_NOT_FOUND, CommandError
from app.cli.notifications import load_gateway_client
from app.cli.output import add_gateway_options, build_progress_console, json_option, print_result
from schemas.enums import CHANNELS, PRIORITIES

MAX_BULK_ITEMS = 500  # notifications of one request
HTTP_UNPROCESSABLE_CONTENT = 422
INVALID_LINE_ADVICE = "each line is one notification; this part was not submitted"
POLL_INTERVAL = 0.1  # seconds between two questions
FAILED_STATUSES = frozenset({"FAILED", "BOUNCED"})

JsonObject = dict[str, Any]


@click.command()
@click.option("--user", help="Who is to be told.")
@click.option("--type", "notification_type", help="What about; a rule says how it is routed.")
@click.option("--data", multiple=True, metavar="K=V|JSON", help="What the template says: name=value, or a JSON object. Repeatable.")
@click.option("--to", multiple=True, metavar="CHANNEL=ADDRESS", help=f"An address of its own, {', '.join(CHANNELS)}. Repeatable.")
@click.option("--channel", multiple=True, type=click.Choice(CHANNELS), help="Only on this channel. Repeatable.")
@click.option("--template", help="Another template than the rule's.")
@click.option("--locale", help="Such as de-AT.")
@click.option("--priority", type=click.Choice(PRIORITIES), help="How long it may wait; without it the rule says.")
@click.option("--idempotency-key", help="A second submission with this key within 24 h tells nobody twice.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Submit each line of this file, JSON objects.")
@click.option("--wait", is_flag=True, help="Wait until nothing more will happen to it, and show it.")
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
    """Submit a notification, or with --file many.

    \b
    herold send --user u-42 --type order.shipped --data order=17 --to email=a@example.org --wait
    herold send --file notifications.jsonl
    """
    api = load_gateway_client(url, api_key)
    if file:
        if idempotency_key or wait or any(fields.values()):
            raise click.UsageError("each line of --file says all of its notification, and nobody waits: leave the other options out")
        totals = _submit_file(api, file, as_json)
        print_result(totals, as_json, _format_totals)
        if totals["accepted"] < totals["submitted"]:
            raise SystemExit(EXIT_FAILED)
        return
    headers = {"idempotency-key": idempotency_key} if idempotency_key else None
    taken = api.post("/v1/notifications", build_submission(**fields), headers)
    if not wait:
        print_result(
            taken, as_json, lambda answer: formatting.build_key_value_table({"accepted": answer["id"], "priority": answer["priority"]})
        )
        return
    found = _wait_until_final(api, taken["id"], timeout)
    print_result(found, as_json, formatting.format_notification)
    if not found.get("final"):
        click.secho(f"not final after {timeout:g} s: herold show {found['id']} tells how it goes on", fg="yellow", err=True)
    if not has_succeeded(found):
        raise SystemExit(EXIT_FAILED)


def build_submission(
    user: str | None, notification_type: str | None, data: Sequence[str], to: Sequence[str], channel: Sequence[str], **more: str | None
) -> JsonObject:
    """The body of a submission. Raises click.UsageError for what cannot be understood."""
    if not user or not notification_type:
        raise click.UsageError("say --user and --type, or --file: herold send --user u-42 --type order.shipped")
    body: JsonObject = {"user_id": user, "type": notification_type, "data": _parse_data(data), "to": _parse_addresses(to)}
    if channel:
        body["channels"] = list(channel)
    priority = more.pop("priority", None)
    return {name: value for name, value in {**body, **more, "priority": priority}.items() if value not in (None, {})}


def _parse_data(texts: Sequence[str]) -> JsonObject:
    found: JsonObject = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if text.lstrip().startswith("{"):
            whole = _parse_json(text)
            if not isinstance(whole, dict):
                raise click.UsageError(f"--data {text}: not a JSON object")
            found.update(whole)
        elif equals and name:
            found[name] = _parse_json(value)
        else:
            raise click.UsageError(f"--data {text}: give name=value or a JSON object")
    return found


def _parse_json(text: str) -> Any:
    """The JSON value, or the text itself if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parse_addresses(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        channel, equals, address = text.partition("=")
        if channel not in CHANNELS or not equals or not address:
            raise click.UsageError(f"--to {text}: give {'|'.join(CHANNELS)}=address")
        found.setdefault(channel, []).append(address)
    return found


def _wait_until_final(api: ApiClient, notification_id: str, timeout: float) -> JsonObject:
    """The notification once it is final, or as it is when the time is over."""
    until = time.monotonic() + timeout
    with build_progress_console().status(f"waiting for {notification_id}"):
        while True:
            found = _get_notification(api, notification_id)
            if found.get("final") or time.monotonic() > until:
                return found
            time.sleep(POLL_INTERVAL)


def _get_notification(api: ApiClient, notification_id: str) -> JsonObject:
    """The notification; one that was accepted and is not found is on its way."""
    try:
        found: JsonObject = api.get(build_notification_path(notification_id))
        return found
    except CommandError as failure:
        if failure.exit_code != EXIT_NOT_FOUND:
            raise
        return {"id": notification_id, "state": "accepted"}


def has_succeeded(found: JsonObject) -> bool:
    """Whether a notification ended, and every delivery of it well."""
    ended = bool(found.get("final")) and found["state"] == "routed"
    return ended and not any(delivery["status"] in FAILED_STATUSES for delivery in found.get("deliveries", []))


def _submit_file(api: ApiClient, file: Path, as_json: bool) -> JsonObject:
    lines = [line for line in file.read_bytes().splitlines() if line.strip()]
    totals: JsonObject = {"submitted": len(lines), "accepted": 0, "invalid": 0, "unavailable": 0, "errors": []}
    columns = (TextColumn("submitting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=build_progress_console(), disable=as_json) as progress:
        task = progress.add_task("", total=len(lines))
        for start, part in _read_batches(lines, file):
            _add_results(totals, start, _submit_batch(api, part))
            progress.advance(task, len(part))
    return totals


def _read_batches(lines: list[bytes], file: Path) -> Iterator[tuple[int, list[Any]]]:
    numbers = iter(range(len(lines)))
    while chosen := list(islice(numbers, MAX_BULK_ITEMS)):
        yield chosen[0], [_parse_line(lines[number], number + 1, file) for number in chosen]


def _parse_line(line: bytes, number: int, file: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise CommandError(f"{file}:{number}: not JSON: {error}", INVALID_LINE_ADVICE) from None


def _submit_batch(api: ApiClient, batch: list[Any]) -> list[JsonObject]:
    """The result of each; where none was good, the gateway answers with a problem alone."""
    try:
        results: list[JsonObject] = api.post("/v1/notifications/bulk", batch)["results"]
    except CommandError as failure:
        if failure.status != HTTP_UNPROCESSABLE_CONTENT:
            raise
        return [{"index": index, "status": "invalid", "errors": [error]} for index, error in enumerate(failure.errors)]
    return results


def _add_results(totals: JsonObject, start: int, results: list[JsonObject]) -> None:
    for result in results:
        totals[result["status"]] += 1
        for error in result.get("errors", []):
            totals["errors"].append({"line": start + result["index"] + 1, "detail": f"{error['path']}: {error['detail']}"})


def _format_totals(totals: JsonObject) -> Any:
    made = formatting.build_key_value_table(
        {name: str(totals[name]) for name in ("submitted", "accepted", "invalid", "unavailable") if totals[name]}
    )
    for error in totals["errors"][:10]:
        made.add_row(f"line {error['line']}", error["detail"])
    return made
