"""Reads user profiles from PostgreSQL, without a cache; implements schemas.store_ports.ProfileReader and ChangedProfileReader."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from schemas.addresses import build_comparison_key
from schemas.blind_index import BlindIndex, is_token
from schemas.channels import CHANNEL_NAMES, CHANNELS, ChannelName
from schemas.errors import UnavailableError, UnknownDataKeyError
from schemas.profile import ActiveSuppression, EndpointRef, Profile, QuietHours, build_address_key, is_address_key, split_address_key
from schemas.sealing import Sealer
from schemas.store_ports import UNKNOWN_VERSION
from tables.postgres.column_sealing import NO_KEYS, ColumnSealing
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.opened_profiles import is_sealed, open_row
from tables.postgres.query_loader import load_queries

_SQL = load_queries("profiles")

_decode_addresses = msgspec.json.Decoder(dict[str, list[str]]).decode
_decode_attributes = msgspec.json.Decoder(dict[str, Any]).decode
_decode_choices = msgspec.json.Decoder(tuple[dict[str, str], dict[str, str] | None]).decode
_decode_digests = msgspec.json.Decoder(dict[str, str]).decode
_decode_endpoints = msgspec.json.Decoder(list[EndpointRef]).decode
_decode_quiet_hours = msgspec.json.Decoder(QuietHours).decode
_decode_suppressions = msgspec.json.Decoder(list[ActiveSuppression]).decode


class PostgresProfileReader:
    """Reads the tables users, devices, user_preferences and suppressions.

    With `index` also the suppressions of which the erasure of a user has left the tokens only.
    """

    def __init__(self, database: Database, index: BlindIndex | None = None) -> None:
        self._database, self._index = database, index

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user; a user who does not exist is not `known`. Raises UnavailableError."""
        unique_ids = dict.fromkeys(user_ids, UNKNOWN_VERSION)
        profiles = await self.get_changed(unique_ids)
        return {user_id: profiles.get(user_id) or Profile(user_id, known=False) for user_id in unique_ids}

    async def get_changed(self, versions: Mapping[str, int]) -> Mapping[str, Profile]:
        """The profiles that have another version than this, and those of addresses with a suppression. Raises UnavailableError."""
        # PostgreSQL's text cannot contain NUL, so a user with NUL in the id does not exist
        ids = [user_id for user_id in versions if "\0" not in user_id]
        addresses = [split_address_key(key) for key in versions if is_address_key(key)]
        rows = await self._database.fetch(
            _SQL["list_changed_profiles"],
            ids,
            [versions[user_id] for user_id in ids],
            CHANNEL_NAMES,
            [channel for channel, _ in addresses],
            [address for _, address in addresses],
        )
        sealing = self._database.sealing
        sealed = [row["id"] for row in rows if is_sealed(row)] if sealing is not None else []
        if sealing is None or not sealed:
            profiles = {profile.user_id: profile for profile in map(_build_profile, rows)}
        else:
            profiles = {profile.user_id: profile for profile in map(_build_profile, await self._open_rows(sealing, sealed, rows))}
        index = sealing.index if sealing is not None else self._index
        return profiles if index is None else await self._add_hashed(profiles, index, addresses, frozenset(sealed))

    async def _open_rows(self, sealing: ColumnSealing, sealed: Sequence[str], rows: Sequence[DatabaseRow]) -> list[DatabaseRow]:
        opened, outdated = list[DatabaseRow](), list[DatabaseRow]()
        sealers = await self._read_sealers(sealing, sealed, fresh=False)
        for row in rows:
            try:
                opened.append(open_row(row, sealers, is_fresh=False))
            except UnknownDataKeyError:  # the user was erased and came back
                outdated.append(row)
        if outdated:
            sealers = await self._read_sealers(sealing, [row["id"] for row in outdated], fresh=True)
            opened += [open_row(row, sealers, is_fresh=True) for row in outdated]
        return opened

    async def _read_sealers(self, sealing: ColumnSealing, user_ids: Sequence[str], *, fresh: bool) -> Mapping[str, Sealer]:
        if sealing.cached is not None:
            return await sealing.cached.get_many(user_ids, fresh=fresh)
        async with self._database.acquire_connection() as connection:
            return await sealing.read_sealers(connection, user_ids)

    async def _add_hashed(
        self, profiles: dict[str, Profile], index: BlindIndex, addresses: Sequence[tuple[str, str]], sealed: Collection[str]
    ) -> dict[str, Profile]:
        """The profiles with the suppressions that have a token instead of an address; those of sealed users also with those in plain."""
        owned: dict[str, list[tuple[str, ChannelName, str]]] = {}  # by token: a profile, and the address that it stands for
        for profile in profiles.values():
            for channel, texts in profile.addresses.items():
                for text in texts:
                    forms = [index.compute(channel, text), *([build_comparison_key(channel, text)] if profile.user_id in sealed else ())]
                    for form in forms:
                        owned.setdefault(form, []).append((profile.user_id, channel, text))
        for channel, text in addresses:  # type: ignore[assignment]  # a key has a channel of the catalogue
            owned.setdefault(index.compute(channel, text), []).append((build_address_key(channel, text), channel, text))
        for row in await self._database.fetch(_SQL["list_hashed_suppressions"], list(owned)) if owned else ():
            for key, channel, text in owned[row["address"]]:
                # those of the user in plain are in the profile
                if row["channel"] == channel and (row["user_id"] is None or (row["user_id"] == key and is_token(row["address"]))):
                    one = ActiveSuppression(channel, build_comparison_key(channel, text), row["category"], row["reason"])
                    profile = profiles.get(key) or Profile(key, known=False)
                    profiles[key] = replace(profile, suppressions=[*profile.suppressions, one])
        return profiles


def select_addresses(stored: Mapping[Any, list[str]], device_tokens: list[str]) -> dict[ChannelName, list[str]]:
    """The addresses by channel of the catalogue; a channel without an address, or of another release, is left out."""
    addresses = {channel.name: device_tokens if channel.has_devices else stored.get(channel.name, []) for channel in CHANNELS}
    return {name: found for name, found in addresses.items() if found}


def add_endpoints(addresses: dict[ChannelName, list[str]], endpoints: list[EndpointRef]) -> dict[ChannelName, list[str]]:
    """The addresses with the URLs of the endpoints after those that the user has on their channel anyway."""
    urls = [endpoint.url for endpoint in endpoints]
    channels = [channel.name for channel in CHANNELS if channel.has_endpoints]
    return {**addresses, **{name: [*dict.fromkeys([*addresses.get(name, []), *urls])] for name in channels}}


def _build_profile(row: DatabaseRow) -> Profile:
    if is_sealed(row):
        raise UnavailableError(NO_KEYS)
    found = [one for name in ("suppressions", "address_suppressions") if row[name] for one in _decode_suppressions(row[name])]
    suppressions = [one for one in found if not is_token(one.address)] if found else found
    if row["channel"] is not None:
        return Profile(build_address_key(row["channel"], row["id"]), known=False, suppressions=suppressions)
    if not row["known"]:
        return Profile(row["id"], known=False, version=row["version"])
    endpoints = _decode_endpoints(row["endpoints"]) if row["endpoints"] else []
    choices, consent_events = _decode_choices(row["choices"]) if row["choices"] else ({}, None)
    addresses = select_addresses(_decode_addresses(row["addresses"]), row["devices"])
    return Profile(
        row["id"],
        addresses=add_endpoints(addresses, endpoints) if endpoints else addresses,
        locale=row["locale"],
        time_zone=row["time_zone"],
        version=row["version"],
        tier=row["tier"],
        attributes=_decode_attributes(row["attributes"]),
        quiet_hours=_decode_quiet_hours(row["quiet_hours"]) if row["quiet_hours"] else None,
        choices=choices,
        suppressions=suppressions,
        digests=_decode_digests(row["digests"]) if row["digests"] else {},
        endpoints=endpoints,
        consent_events=consent_events or {},
    )
