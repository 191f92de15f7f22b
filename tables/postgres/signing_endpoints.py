"""Reads webhook endpoints as their worker needs them (schemas.store_ports.SigningEndpointReader)."""

from collections.abc import Iterable, Mapping

from schemas.ids import is_id, to_uuid_hex
from schemas.webhook_endpoints import ENDPOINT_PREFIX, SigningEndpoint
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("webhook_endpoints")


class PostgresSigningEndpoints:
    """Reads the table webhook_endpoints, with the encrypted secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_many(self, endpoint_ids: Iterable[str]) -> Mapping[str, SigningEndpoint]:
        """The endpoints by id, without those that do not exist. Raises UnavailableError."""
        ids = [to_uuid_hex(endpoint_id) for endpoint_id in endpoint_ids if is_id(endpoint_id, ENDPOINT_PREFIX)]
        rows = await self._database.fetch(_SQL["list_signing_endpoints"], ids)
        return {endpoint.id: endpoint for endpoint in map(_build_endpoint, rows)}


def _build_endpoint(row: DatabaseRow) -> SigningEndpoint:
    expires_at = row["previous_expires_at"]
    return SigningEndpoint(
        ENDPOINT_PREFIX + row["id"].hex,
        row["signature"],
        row["is_enabled"],
        row["version"],
        row["secret"],
        row["previous_secret"],
        expires_at.timestamp() if expires_at else 0.0,
    )
