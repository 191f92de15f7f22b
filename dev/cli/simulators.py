"""`herold simulators`: the request log of the provider simulators."""

from collections.abc import Mapping
from typing import Any

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import ApiClient
from app.cli.connection_profile import load_connection_profile
from app.cli.output import json_option, print_result


@click.command()
@click.option("--delivery", default="", help="Only requests for this delivery id.")
@click.option("--address", default="", help="Only requests to this address.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Maximum number of requests.")
@click.option("--url", help="URL of the simulators' server.")
@json_option
def simulators(delivery: str, address: str, limit: int, url: str | None, as_json: bool) -> None:
    """Show the request counts of the simulators, or the requests for a delivery or address.

    \b
    herold simulators
    herold simulators --address a@example.org
    """
    api = ApiClient(url or load_connection_profile().simulators_url, "the simulators' server", {})
    if delivery or address:
        print_result(api.get("/requests/search", delivery_id=delivery, address=address, limit=limit), as_json, _format_requests)
    else:
        print_result(api.get("/requests/counts"), as_json, _format_counts)


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
