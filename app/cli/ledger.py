"""`herold ledger`: what the providers' stand-ins were asked to do."""

from collections.abc import Mapping
from typing import Any

import click
from rich.console import RenderableType

from app.cli import views
from app.cli.api import Api
from app.cli.place import find_place
from app.cli.screen import json_option, show


@click.command()
@click.option("--delivery", default="", help="Requests for this delivery.")
@click.option("--address", default="", help="Requests to this address.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many requests.")
@click.option("--url", help="Address of the twins' server.")
@json_option
def ledger(delivery: str, address: str, limit: int, url: str | None, as_json: bool) -> None:
    """Show the twins' counts, or the requests for a delivery or address.

    \b
    herold ledger
    herold ledger --address a@example.org
    """
    api = Api(url or find_place().twins, "the twins' server", {})
    if delivery or address:
        show(api.get("/ledger/search", delivery=delivery, address=address, limit=limit), as_json, _entries)
    else:
        show(api.get("/ledger"), as_json, _counts)


def _counts(report: Mapping[str, Any]) -> RenderableType:
    return views.pairs({name.replace("_", " "): _count(value) for name, value in report.items()})


def _count(value: object) -> str:
    return views.inputs(value) if isinstance(value, Mapping) else str(value)


def _entries(entries: list[Mapping[str, Any]]) -> RenderableType:
    made = views.table("when", "provider", "delivery", "address", "answered", "fault", title="" if entries else "no such request")
    for entry in entries:
        made.add_row(views.clock(entry["at"]), entry["provider"], entry["delivery"], entry["address"], str(entry["status"]), entry["fault"])
    return made
