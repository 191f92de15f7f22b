"""What PostgreSQL knows of users, as profiles; implements schemas.ports.Profiles without a cache."""

from collections.abc import Iterable, Mapping

from schemas.enums import Channel
from schemas.policy import Profile
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("profiles")


class PostgresProfileReader:
    """Users and their devices in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user; one that does not exist is not `known`. Raises Unavailable."""
        wanted = dict.fromkeys(user_ids)
        # text in PostgreSQL cannot hold a NUL, so no such user exists
        rows = await self._database.fetch(_SQL["list_users"], [user_id for user_id in wanted if "\0" not in user_id])
        found = {row["id"]: _build_profile(row) for row in rows}
        return {user_id: found.get(user_id) or Profile(user_id, known=False) for user_id in wanted}


def group_addresses(email: str, phone: str, devices: list[str], webhook_url: str) -> dict[Channel, list[str]]:
    """Addresses by channel; a channel without one is left out."""
    given: dict[Channel, list[str]] = {"email": [email], "sms": [phone], "push": devices, "webhook": [webhook_url]}
    return {channel: found for channel, each in given.items() if (found := [address for address in each if address])}


def _build_profile(row: DatabaseRow) -> Profile:
    addresses = group_addresses(row["email"], row["phone"], row["devices"], row["webhook_url"])
    return Profile(row["id"], True, addresses, row["locale"], row["time_zone"], row["version"])
