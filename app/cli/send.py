"""`herold send`: submit one notification, or a file of them."""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli import views
from app.cli.api import Api, path_of
from app.cli.failures import FAILED, NOT_FOUND, Failure
from app.cli.screen import json_option, place_options, progress_console, show
from app.cli.show import api_of
from schemas.words import CHANNELS, LANES

BULK = 500  # notifications of one request
INVALID = 422
HINT = "each line is one notification; this part was not submitted"
POLL = 0.1  # seconds between two questions
BAD = frozenset({"FAILED", "BOUNCED"})

Body = dict[str, Any]


@click.command()
@click.option("--user", help="Who is to be told.")
@click.option("--type", "kind", help="What about; a rule says how it is routed.")
@click.option("--data", multiple=True, metavar="K=V|JSON", help="What the template says: name=value, or a JSON object. Repeatable.")
@click.option("--to", multiple=True, metavar="CHANNEL=ADDRESS", help=f"An address of its own, {', '.join(CHANNELS)}. Repeatable.")
@click.option("--channel", multiple=True, type=click.Choice(CHANNELS), help="Only on this channel. Repeatable.")
@click.option("--template", help="Another template than the rule's.")
@click.option("--locale", help="Such as de-AT.")
@click.option("--lane", type=click.Choice(LANES), help="How long it may wait; without it the rule says.")
@click.option("--idempotency-key", help="A second submission with this key within 24 h tells nobody twice.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Submit each line of this file, JSON objects.")
@click.option("--wait", is_flag=True, help="Wait until nothing more will happen to it, and show it.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait at most.")
@place_options
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
    api = api_of(url, api_key)
    if file:
        if idempotency_key or wait or any(fields.values()):
            raise click.UsageError("each line of --file says all of its notification, and nobody waits: leave the other options out")
        totals = _send_file(api, file, as_json)
        show(totals, as_json, _totals)
        if totals["accepted"] < totals["submitted"]:
            raise SystemExit(FAILED)
        return
    headers = {"idempotency-key": idempotency_key} if idempotency_key else None
    taken = api.post("/v1/notifications", body_of(**fields), headers)
    if not wait:
        show(taken, as_json, lambda answer: views.pairs({"accepted": answer["id"], "lane": answer["lane"]}))
        return
    found = _awaited(api, taken["id"], timeout)
    show(found, as_json, views.notification)
    if not found.get("final"):
        click.secho(f"not final after {timeout:g} s: herold show {found['id']} tells how it goes on", fg="yellow", err=True)
    if not is_good(found):
        raise SystemExit(FAILED)


def body_of(user: str | None, kind: str | None, data: Sequence[str], to: Sequence[str], channel: Sequence[str], **more: str | None) -> Body:
    """The body of a submission. Raises click.UsageError for what cannot be understood."""
    if not user or not kind:
        raise click.UsageError("say --user and --type, or --file: herold send --user u-42 --type order.shipped")
    body: Body = {"user_id": user, "type": kind, "data": _data(data), "to": _addresses(to)}
    if channel:
        body["channels"] = list(channel)
    lane = more.pop("lane", None)
    return {name: value for name, value in {**body, **more, "priority": lane}.items() if value not in (None, {})}


def _data(texts: Sequence[str]) -> Body:
    found: Body = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if text.lstrip().startswith("{"):
            whole = _json(text)
            if not isinstance(whole, dict):
                raise click.UsageError(f"--data {text}: not a JSON object")
            found.update(whole)
        elif equals and name:
            found[name] = _json(value)
        else:
            raise click.UsageError(f"--data {text}: give name=value or a JSON object")
    return found


def _json(text: str) -> Any:
    """The JSON value, or the text itself if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _addresses(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        channel, equals, address = text.partition("=")
        if channel not in CHANNELS or not equals or not address:
            raise click.UsageError(f"--to {text}: give {'|'.join(CHANNELS)}=address")
        found.setdefault(channel, []).append(address)
    return found


def _awaited(api: Api, notification_id: str, timeout: float) -> Body:
    """The notification once it is final, or as it is when the time is over."""
    until = time.monotonic() + timeout
    with progress_console().status(f"waiting for {notification_id}"):
        while True:
            found = _known(api, notification_id)
            if found.get("final") or time.monotonic() > until:
                return found
            time.sleep(POLL)


def _known(api: Api, notification_id: str) -> Body:
    """The notification; one that was accepted and is not found is on its way."""
    try:
        found: Body = api.get(path_of(notification_id))
        return found
    except Failure as failure:
        if failure.exit_code != NOT_FOUND:
            raise
        return {"id": notification_id, "state": "accepted"}


def is_good(found: Body) -> bool:
    """Whether a notification ended, and every delivery of it well."""
    ended = bool(found.get("final")) and found["state"] == "routed"
    return ended and not any(delivery["status"] in BAD for delivery in found.get("deliveries", []))


def _send_file(api: Api, file: Path, as_json: bool) -> Body:
    lines = [line for line in file.read_bytes().splitlines() if line.strip()]
    totals: Body = {"submitted": len(lines), "accepted": 0, "refused": 0, "unavailable": 0, "errors": []}
    columns = (TextColumn("submitting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=progress_console(), disable=as_json) as progress:
        task = progress.add_task("", total=len(lines))
        for start, part in _parts(lines, file):
            _add(totals, start, _posted(api, part))
            progress.advance(task, len(part))
    return totals


def _parts(lines: list[bytes], file: Path) -> Iterator[tuple[int, list[Any]]]:
    numbers = iter(range(len(lines)))
    while chosen := list(islice(numbers, BULK)):
        yield chosen[0], [_line(lines[number], number + 1, file) for number in chosen]


def _line(line: bytes, number: int, file: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise Failure(f"{file}:{number}: not JSON: {error}", HINT) from None


def _posted(api: Api, part: list[Any]) -> list[Body]:
    """The result of each; where none was good, the gateway answers with a problem alone."""
    try:
        results: list[Body] = api.post("/v1/notifications/bulk", part)["results"]
    except Failure as failure:
        if failure.status != INVALID:
            raise
        return [{"index": index, "status": "refused", "errors": [error]} for index, error in enumerate(failure.errors)]
    return results


def _add(totals: Body, start: int, results: list[Body]) -> None:
    for result in results:
        totals[result["status"]] += 1
        for error in result.get("errors", []):
            totals["errors"].append({"line": start + result["index"] + 1, "detail": f"{error['path']}: {error['detail']}"})


def _totals(totals: Body) -> Any:
    made = views.pairs({name: str(totals[name]) for name in ("submitted", "accepted", "refused", "unavailable") if totals[name]})
    for error in totals["errors"][:10]:
        made.add_row(f"line {error['line']}", error["detail"])
    return made
