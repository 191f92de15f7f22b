"""Reads user profiles from PostgreSQL, without a cache; implements schemas.store_ports.ProfileReader."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from schemas.channels import CHANNELS, ChannelName
from schemas.profile import Profile
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("profiles")
_decode_addresses = msgspec.json.Decoder(dict[str, list[str]]).decode


class PostgresProfileReader:
    """Reads the tables users and devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user; a user who does not exist is not `known`. Raises UnavailableError."""
        unique_ids = dict.fromkeys(user_ids)
        # PostgreSQL's text cannot contain NUL, so a user with NUL in the id does not exist
        rows = await self._database.fetch(_SQL["list_users"], [user_id for user_id in unique_ids if "\0" not in user_id])
        profiles = {row["id"]: _build_profile(row) for row in rows}
        return {user_id: profiles.get(user_id) or Profile(user_id, known=False) for user_id in unique_ids}


def select_addresses(stored: Mapping[Any, list[str]], device_tokens: list[str]) -> dict[ChannelName, list[str]]:
    """The addresses by channel of the catalogue; a channel without an address, or of another release, is left out."""
    addresses = {channel.name: device_tokens if channel.has_devices else stored.get(channel.name, []) for channel in CHANNELS}
    return {name: found for name, found in addresses.items() if found}


def _build_profile(row: DatabaseRow) -> Profile:
    addresses = select_addresses(_decode_addresses(row["addresses"]), row["devices"])
    return Profile(row["id"], True, addresses, row["locale"], row["time_zone"], row["version"])
