"""The database of an installation: upgrade it and check it (`herold db`)."""

from pathlib import Path

from msgspec import Struct

from tables import postgres
from tables.postgres.partitions import days_ahead, ensure_partitions, strays
from tables.postgres.pool import Database
from tables.postgres.seed import plant_policy, plant_users

DAYS_AHEAD = 7
VERSIONS = Path(postgres.__file__).parent / "migrations" / "versions"


class Health(Struct, frozen=True):
    """What `herold db check` tells: revisions, days of partitions ahead, rows outside of all partitions."""

    revision: str | None
    newest: str
    days_ahead: int
    strays: int

    @property
    def problems(self) -> list[str]:
        """What an operator has to do something about, in words."""
        found = []
        if behind := too_old(self.revision, self.newest):
            found.append(behind)
        elif self.days_ahead < 1:
            found.append("there is no partition for tomorrow: run `herold db upgrade`, and see why the recorder did not make it")
        if self.strays:
            found.append(f"{self.strays} rows lie in the default partitions: their ids have days that have no partition")
        return found


async def upgrade(dsn: str, now: float, users: bool = True, twins: str = "http://127.0.0.1:8025") -> str:
    """Bring the schema to the newest revision, make partitions, plant the seed; the revision.

    The seed's rules come with or without the sample shop's users, whose webhooks are at the twins.

    Raises Unavailable if PostgreSQL does not answer.
    """
    database = Database(dsn, size=1)
    try:
        if too_old(await revision_of(database), newest()):
            from app.migrate import migrate  # Alembic is slow to import, and rarely has anything to do

            await migrate(dsn)
        await ensure_partitions(database, now, DAYS_AHEAD)
        await plant_policy(database)
        if users:
            await plant_users(database, twins)
    finally:
        await database.close()
    return newest()


async def check(dsn: str, now: float) -> Health:
    """How the database is. Raises Unavailable if it does not answer."""
    database = Database(dsn, size=1)
    try:
        revision = await revision_of(database)
        if revision is None:
            return Health(None, newest(), -1, 0)
        return Health(revision, newest(), await days_ahead(database, now), await strays(database))
    finally:
        await database.close()


def newest() -> str:
    """The newest revision of this release: its file's name begins with it."""
    return max(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*.py"))


def too_old(revision: str | None, needed: str) -> str:
    """What to do about a schema older than this release needs; empty for any other: a newer one is upgraded ahead of its workers."""
    if revision is not None and revision >= needed:
        return ""
    return f"the schema is at revision {revision or 'none'}, this release needs {needed}: run `herold db upgrade`"


async def revision_of(database: Database) -> str | None:
    """The revision of the schema; None if there is none. Raises Unavailable if PostgreSQL does not answer."""
    if not (await database.fetch("select to_regclass('alembic_version') is not null as found"))[0]["found"]:
        return None
    rows = await database.fetch("select version_num from alembic_version")
    return str(rows[0]["version_num"]) if rows else None
