"""Reads what a proof of a user's consent is made of, in one snapshot."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from schemas.checkpoints import Checkpoint
from schemas.consent_proof import ChainSegment, ProofContent, ProvenDelivery
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX
from schemas.log_chain import FIRST_HASH, Link, compute_digest
from schemas.users import CONSENT_EVENT_PREFIX
from tables.postgres.address_forms import list_other_forms
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.log_chain import build_checkpoint, build_entry
from tables.postgres.query_loader import load_queries

_SQL = load_queries("consent_proofs")
_CHAIN_SQL = load_queries("log_chain")
MAX_NOTIFICATIONS: Final = 10_000  # the newest of the user


async def read_proof_content(database: Database, user_id: str, *, has_addresses: bool) -> ProofContent:
    """What is known of a user's consent up to the last checkpoint. Raises UnavailableError.

    `has_addresses`: with the events of the user's addresses that are about no user.
    """
    async with database.acquire_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        forms = await list_other_forms(database.sealing, connection, user_id) if has_addresses else []
        numbers = [row["number"] for row in await connection.fetch(_SQL["list_links_of_user"], user_id, has_addresses, forms)]
        checkpoints = await _fetch_checkpoints(connection, numbers)
        entries, segments = [], []
        for checkpoint, group in _group_by_checkpoint(numbers, checkpoints):
            rows = await connection.fetch(_CHAIN_SQL["list_linked_consent"], group[0] - 1, checkpoint.number - group[0] + 1)
            entries += [(_build_link(row), build_entry(row)) for row in rows if row["number"] in group and row["id"] is not None]
            segments.append(await _build_segment(connection, rows, checkpoint))
        deliveries = await connection.fetch(_SQL["list_deliveries"], user_id, MAX_NOTIFICATIONS)
        now: int = await connection.fetchval(_SQL["get_now"])
    return ProofContent(user_id, now, entries, segments, [_build_delivery(row) for row in deliveries])


async def _fetch_checkpoints(connection: Connection, numbers: Sequence[int]) -> list[Checkpoint]:
    rows = await connection.fetch(_SQL["list_checkpoints"], numbers[0]) if numbers else []
    return [checkpoint for row in rows if (checkpoint := build_checkpoint(row)) is not None]


def _group_by_checkpoint(numbers: Iterable[int], checkpoints: Sequence[Checkpoint]) -> list[tuple[Checkpoint, list[int]]]:
    """The numbers that have the same next checkpoint; those after the last one are left out."""
    ends = [checkpoint.number for checkpoint in checkpoints]
    groups = groupby(numbers, lambda number: bisect_left(ends, number))
    return [(checkpoints[index], [*group]) for index, group in groups if index < len(ends)]


async def _build_segment(connection: Connection, rows: Sequence[DatabaseRow], checkpoint: Checkpoint) -> ChainSegment:
    """The way from the first of these rows to the checkpoint. The digest of a removed entry is empty, so that it does not lead there."""
    first: int = rows[0]["number"]
    before: bytes = await connection.fetchval(_SQL["get_hash"], first - 1) or FIRST_HASH
    digests = [compute_digest(row["fields"], row["person"]) if row["id"] is not None else b"" for row in rows]
    return ChainSegment(first, before, digests, checkpoint)


def _build_link(row: DatabaseRow) -> Link:
    return Link(row["number"], row["entry_id"].hex, row["person"], row["hash"])


def _build_delivery(row: DatabaseRow) -> ProvenDelivery:
    event_id = row["consent_event_id"]
    return ProvenDelivery(
        f"{DELIVERY_PREFIX}{row['id'].hex}",
        f"{NOTIFICATION_PREFIX}{row['notification_id'].hex}",
        row["channel"],
        row["category"],
        row["status"],
        row["created_at"],
        f"{CONSENT_EVENT_PREFIX}{event_id.hex}" if event_id else "",
    )
