"""The database of an installation: `herold db` upgrades it, checks it and maintains its partitions."""

from pathlib import Path

from msgspec import Struct

from schemas.errors import UnavailableError
from tables import postgres
from tables.postgres.database import Database, open_database
from tables.postgres.partitions import count_days_ahead, count_default_partition_rows, drop_expired_partitions, ensure_partitions
from tables.postgres.seed import insert_channels, insert_seed_policy, insert_seed_users

MIN_SERVER_VERSION = 18
"""The merges of the history return a row as it was and as it is (PostgreSQL 18, "RETURNING Data from Modified Rows")."""
VERSIONS_DIR = Path(postgres.__file__).parent / "migrations" / "versions"


class DatabaseHealth(Struct, frozen=True):
    """The result of `herold db check`: schema revisions, days with partitions after today, rows outside of all daily partitions."""

    revision: str | None
    head_revision: str
    partition_days_ahead: int
    default_partition_rows: int

    @property
    def problems(self) -> list[str]:
        """Each problem that an operator must solve, as a sentence."""
        problems = []
        if schema_problem := describe_outdated_schema(self.revision, self.head_revision):
            problems.append(schema_problem)
        elif self.partition_days_ahead < 1:
            problems.append("there is no partition for tomorrow: run `herold db upgrade`, and check why the recorder did not create it")
        if self.default_partition_rows:
            problems.append(f"{self.default_partition_rows} rows are in the default partitions: their ids have days without a partition")
        return problems


async def upgrade_database(database_url: str, now: float, simulators_url: str | None = None) -> str:
    """Migrate the schema to the newest revision, create partitions, insert the seed's missing rules; returns the revision.

    `now`: epoch seconds. `simulators_url`: also insert the users of the sample shop, whose webhooks are on the simulators at this URL.
    Raises UnavailableError if PostgreSQL does not answer or is too old.
    """
    async with open_database(database_url) as database:
        if problem := await find_server_problem(database):
            raise UnavailableError(problem)
        if await find_schema_problem(database):
            from app.admin.migrations import run_migrations  # imports Alembic, which takes a second

            await run_migrations(database_url)
        await ensure_partitions(database, now)
        await insert_channels(database)
        await insert_seed_policy(database)
        if simulators_url is not None:
            await insert_seed_users(database, simulators_url)
    return get_head_revision()


async def check_database(database_url: str, now: float) -> DatabaseHealth:
    """The health of the database at `now` (epoch seconds). Raises UnavailableError if PostgreSQL does not answer or is too old."""
    async with open_database(database_url) as database:
        if problem := await find_server_problem(database):
            raise UnavailableError(problem)
        revision = await read_revision(database)
        if revision is None:
            return DatabaseHealth(None, get_head_revision(), -1, 0)
        return DatabaseHealth(
            revision, get_head_revision(), await count_days_ahead(database, now), await count_default_partition_rows(database)
        )


async def maintain_partitions(database: Database, now: float, retention_days: int | None) -> tuple[int, list[str]]:
    """Create missing partitions of history ahead of `now` (epoch seconds) and drop expired ones; none if `retention_days` is None.

    Returns how many were created, and the names of the dropped ones. Raises UnavailableError if PostgreSQL does not answer.
    """
    created = await ensure_partitions(database, now)
    return created, [] if retention_days is None else await drop_expired_partitions(database, now, retention_days)


def get_head_revision() -> str:
    """The newest revision of this release: the file name of a migration begins with its revision."""
    return max(file.name.partition("_")[0] for file in VERSIONS_DIR.glob("[0-9]*.py"))


async def find_server_problem(database: Database) -> str:
    """What is wrong with the version of the server; empty if it is new enough. Raises UnavailableError if it does not answer."""
    ((number, version),) = await database.fetch("select current_setting('server_version_num')::int, current_setting('server_version')")
    if number // 10_000 >= MIN_SERVER_VERSION:
        return ""
    return f"PostgreSQL {version} is too old: this release needs version {MIN_SERVER_VERSION} or later"


async def find_schema_problem(database: Database) -> str:
    """What is wrong with the schema, and what to do; empty if it is new enough. Raises UnavailableError if PostgreSQL does not answer."""
    return describe_outdated_schema(await read_revision(database), get_head_revision())


def describe_outdated_schema(revision: str | None, head_revision: str) -> str:
    """The problem of a schema that is older than this release; empty for a newer one, which is upgraded before its workers."""
    if revision is not None and revision >= head_revision:
        return ""
    return f"the schema is at revision {revision or 'none'}, this release needs {head_revision}: run `herold db upgrade`"


async def read_revision(database: Database) -> str | None:
    """The revision of the schema; None without a schema. Raises UnavailableError if PostgreSQL does not answer."""
    if not (await database.fetch("select to_regclass('alembic_version') is not null as found"))[0]["found"]:
        return None
    rows = await database.fetch("select version_num from alembic_version")
    return str(rows[0]["version_num"]) if rows else None
