"""The keys that sign the heads of the logs, by the settings of a process."""

from app.settings import AuditSection
from schemas.checkpoints import CheckpointKeys
from schemas.errors import SettingError
from schemas.link_tokens import decode_secrets
from tables.postgres.database import Database
from tables.postgres.log_chain import CheckpointPolicy, LogChainStore


def build_checkpoint_keys(secrets: str) -> CheckpointKeys | None:
    """The keys of `audit.signing_key`; None if it is empty. Raises SettingError for a text that is no secret."""
    if not secrets:
        return None
    try:
        return CheckpointKeys(decode_secrets(secrets))
    except ValueError as error:
        raise SettingError("audit.signing_key", f"{error}; or leave it empty, and nothing is signed") from None


def build_log_chains(database: Database, section: AuditSection) -> LogChainStore:
    """The chains of a database. Raises SettingError as build_checkpoint_keys does."""
    policy = CheckpointPolicy(section.checkpoint_interval, section.checkpoint_entries)
    return LogChainStore(database, build_checkpoint_keys(section.signing_key), policy)
