"""The addresses that a user has, and the forms in which they may be stored: in plain, or as tokens of the blind index."""

from collections.abc import Mapping, Sequence

from schemas.addresses import build_comparison_key
from schemas.blind_index import is_token
from schemas.content_limits import FID_PREFIX
from schemas.erasures import OwnedAddress
from schemas.sealing import Sealer
from tables.postgres.column_sealing import ColumnSealing, StoredToken, open_devices, open_suppressions, open_users
from tables.postgres.database import Connection, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("address_forms")


async def read_addresses(
    sealing: ColumnSealing | None, connection: Connection, user_id: str, held: Mapping[str, Sealer] | None = None
) -> list[OwnedAddress]:
    """The addresses, devices and endpoints of a user, in order, in plain. Raises UnavailableError."""
    users = await open_users(sealing, connection, await connection.fetch(_SQL["get_sealed"], user_id), held)
    owned = {
        OwnedAddress(channel, one)  # type: ignore[arg-type]  # of the catalogue
        for private in users.values()
        for channel, found in private.addresses.items()
        for one in found
    }
    rows = await connection.fetch(_SQL["list_addresses"], user_id)
    stored = [StoredToken(user_id, row["address"], row["sealed"]) for row in rows]
    addresses = await open_devices(sealing, connection, stored, held)
    prefixes = [FID_PREFIX if row["is_sealed_fid"] else "" for row in rows]
    owned |= {OwnedAddress(row["channel"], prefix + one) for row, prefix, one in zip(rows, prefixes, addresses, strict=True)}
    return sorted(owned)


def list_tokens(sealing: ColumnSealing | None, owned: Sequence[OwnedAddress]) -> list[str]:
    """The tokens of addresses."""
    return [] if sealing is None else [sealing.index.compute(one.channel, one.address) for one in owned]


async def list_other_forms(sealing: ColumnSealing | None, connection: Connection, user_id: str) -> list[str]:
    """The forms of the addresses of a user, as suppressions and events of consent may have them. Raises UnavailableError."""
    if sealing is None:
        return []
    owned = await read_addresses(sealing, connection, user_id)
    return [*(build_comparison_key(one.channel, one.address) for one in owned), *list_tokens(sealing, owned)]


async def open_event_addresses(sealing: ColumnSealing | None, connection: Connection, rows: Sequence[DatabaseRow]) -> dict[str, str]:
    """The addresses of events of consent that have tokens, by token, as far as their suppressions have them. Raises UnavailableError."""
    tokens = [row["address"] for row in rows if is_token(row["address"])]
    sealed = await connection.fetch(_SQL["list_sealed_addresses"], tokens) if tokens else []
    return dict(zip([row["address"] for row in sealed], await open_suppressions(sealing, connection, sealed), strict=True))
