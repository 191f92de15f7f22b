"""What the API answers about the logs: entries, and the signed heads of their hash chains."""

from typing import Any

from msgspec import Struct

from tables.postgres.audit_log import AuditEntry

AT = 1_795_851_813.0  # 2026-11-28 07:43:33 UTC
UUID = "01a2211d759678619811269291aeed15"


class AuditPage(Struct, frozen=True):
    """Entries of the audit log, newest first; `next_cursor` is null on the last page."""

    items: list[AuditEntry]
    next_cursor: str | None


class CheckpointBody(Struct, frozen=True):
    """A signed head: `hash` in hex digits, `created_at` in microseconds since 1970, the Ed25519 signature in base64."""

    number: int
    hash: str
    created_at: int
    key_id: str
    signature: str


class LogHead(Struct, frozen=True):
    """The head of one log: number and hash of its last linked entry, how many entries wait to be linked, and the last checkpoint."""

    log: str
    number: int
    hash: str
    unlinked: int
    checkpoint: CheckpointBody | None


class LogHeads(Struct, frozen=True):
    """The heads of the audit log and of consent; `public_key` verifies new checkpoints: 32 bytes in base64, empty if nothing is signed."""

    logs: list[LogHead]
    public_key: str


class ConsentProof(Struct, frozen=True):
    """A signed proof of a user's consent (docs/guide/consent.md). Times in microseconds since 1970."""

    format: str
    user_id: str
    created_at: int
    key_id: str
    public_keys: dict[str, str]
    entries: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]
    signature: str


AUDIT_EXAMPLES: tuple[Struct, ...] = (
    AuditPage(
        items=[
            AuditEntry(
                id=f"aud_{UUID}",
                actor="ada",
                action="change",
                object_type="user",
                object_id="u-42",
                details={"source": "cli", "fields": ["tier"], "before": {"tier": "silver"}, "after": {"tier": "gold"}, "version": 7},
                occurred_at=AT,
                principal="key:Q3xT9aLm",
                client_address="192.0.2.7",
                user_agent_hash="5f2b8c0d9e4a7163",
                request_id="",
            )
        ],
        next_cursor=None,
    ),
)
