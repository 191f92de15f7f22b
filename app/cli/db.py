"""`herold db`: the schema of the database and the partitions of history."""

import time

import click
import msgspec
from rich.console import RenderableType

from app.admin.database import check_database, maintain_partitions, upgrade_database
from app.cli import formatting
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import EXIT_FAILED, run_query
from app.cli.output import JsonObject, build_progress_console, json_option, print_result
from tables.postgres.database import open_database


@click.group()
def db() -> None:
    """Upgrade and check the database.

    \b
    herold db upgrade
    """


@db.command()
@click.option("--sample-users/--no-sample-users", default=False, help="Insert the users of the sample shop.")
@json_option
def upgrade(sample_users: bool, as_json: bool) -> None:
    """Upgrade the schema to this release, create partitions, insert missing rules and templates.

    \b
    herold db upgrade
    """
    profile = load_connection_profile()
    url = profile.postgres.url
    with build_progress_console().status("upgrading", spinner="dots"):
        revision = run_query(url, upgrade_database(url, time.time(), profile.simulators_url if sample_users else None))
    print_result({"revision": revision}, as_json, lambda result: f"the schema is at revision {result['revision']}")


@db.command()
@json_option
def check(as_json: bool) -> None:
    """Check the schema and the partitions; the exit code is 1 if there is a problem.

    \b
    herold db check
    """
    url = load_connection_profile().postgres.url
    health = run_query(url, check_database(url, time.time()))
    print_result({**msgspec.to_builtins(health), "problems": health.problems}, as_json, _format_health)
    if health.problems:
        raise SystemExit(EXIT_FAILED)


@db.command("maintain-partitions")
@json_option
def maintain(as_json: bool) -> None:
    """Create the partitions of the coming days, and drop those older than postgres.retention_days.

    \b
    herold db maintain-partitions
    """
    postgres = load_connection_profile().postgres
    run_query(postgres.url, _maintain_partitions(postgres.url, postgres.retention_days))
    health = run_query(postgres.url, check_database(postgres.url, time.time()))
    print_result(
        {"partition_days_ahead": health.partition_days_ahead, "default_partition_rows": health.default_partition_rows},
        as_json,
        lambda result: (
            f"partitions for {result['partition_days_ahead']} days ahead; {result['default_partition_rows']} rows in the default partitions"
        ),
    )


async def _maintain_partitions(database_url: str, retention_days: int) -> None:
    async with open_database(database_url) as database:
        await maintain_partitions(database, time.time(), retention_days)


def _format_health(health: JsonObject) -> RenderableType:
    table = formatting.build_key_value_table(
        {
            "revision": f"{health['revision'] or 'none'} of {health['head_revision']}",
            "days ahead": str(health["partition_days_ahead"]),
            "default partition rows": str(health["default_partition_rows"]),
        }
    )
    for problem in health["problems"]:
        table.add_row("problem", problem)
    return table
