"""The database of an installation: upgrade it and check it (`herold db`)."""

from pathlib import Path

from msgspec import Struct

from tables import postgres
from tables.postgres.database import Database
from tables.postgres.partitions import count_days_ahead, count_default_partition_rows, ensure_partitions
from tables.postgres.seed import insert_seed_policy, insert_seed_users

PARTITION_DAYS_AHEAD = 7
VERSIONS_DIR = Path(postgres.__file__).parent / "migrations" / "versions"


class DatabaseHealth(Struct, frozen=True):
    """What `herold db check` tells: revisions, days of partitions ahead, rows outside of all partitions."""

    revision: str | None
    head_revision: str
    partition_days_ahead: int
    default_partition_rows: int

    @property
    def problems(self) -> list[str]:
        """What an operator has to do something about, in words."""
        found = []
        if behind := describe_outdated_schema(self.revision, self.head_revision):
            found.append(behind)
        elif self.partition_days_ahead < 1:
            found.append("there is no partition for tomorrow: run `herold db upgrade`, and see why the recorder did not make it")
        if self.default_partition_rows:
            found.append(f"{self.default_partition_rows} rows lie in the default partitions: their ids have days that have no partition")
        return found


async def upgrade_database(
    database_url: str, now: float, with_sample_users: bool = True, simulators_url: str = "http://127.0.0.1:8025"
) -> str:
    """Bring the schema to the newest revision, make partitions, plant the seed; the revision.

    The seed's rules come with or without the sample shop's users, whose webhooks are at the simulators.

    Raises Unavailable if PostgreSQL does not answer.
    """
    database = Database(database_url, size=1)
    try:
        if describe_outdated_schema(await read_revision(database), get_head_revision()):
            from app.admin.migrations import run_migrations  # Alembic is slow to import, and rarely has anything to do

            await run_migrations(database_url)
        await ensure_partitions(database, now, PARTITION_DAYS_AHEAD)
        await insert_seed_policy(database)
        if with_sample_users:
            await insert_seed_users(database, simulators_url)
    finally:
        await database.close()
    return get_head_revision()


async def check_database(database_url: str, now: float) -> DatabaseHealth:
    """How the database is. Raises Unavailable if it does not answer."""
    database = Database(database_url, size=1)
    try:
        revision = await read_revision(database)
        if revision is None:
            return DatabaseHealth(None, get_head_revision(), -1, 0)
        return DatabaseHealth(
            revision, get_head_revision(), await count_days_ahead(database, now), await count_default_partition_rows(database)
        )
    finally:
        await database.close()


def get_head_revision() -> str:
    """The newest revision of this release: its file's name begins with it."""
    return max(file.name.partition("_")[0] for file in VERSIONS_DIR.glob("[0-9]*.py"))


def describe_outdated_schema(revision: str | None, head_revision: str) -> str:
    """What to do about a schema older than this release needs; empty for any other: a newer one is upgraded ahead of its workers."""
    if revision is not None and revision >= head_revision:
        return ""
    return f"the schema is at revision {revision or 'none'}, this release needs {head_revision}: run `herold db upgrade`"


async def read_revision(database: Database) -> str | None:
    """The revision of the schema; None if there is none. Raises Unavailable if PostgreSQL does not answer."""
    if not (await database.fetch("select to_regclass('alembic_version') is not null as found"))[0]["found"]:
        return None
    rows = await database.fetch("select version_num from alembic_version")
    return str(rows[0]["version_num"]) if rows else None
