"""The policy reader of the router and of the gateway: from PostgreSQL, or from a file of this host while PostgreSQL does not answer."""

import time
from pathlib import Path

from app.settings import Settings
from app.telemetry import Metrics
from schemas.metrics import POLICY_AGE
from tables.policy_file import PolicyFile
from tables.postgres.database import Database
from tables.postgres.policy import CachedPolicyReader, PostgresPolicyLoader


def build_policy_reader(role: str, settings: Settings, database: Database, metrics: Metrics) -> CachedPolicyReader:
    """Build the reader of a role and export the age of its policy; processes with the same data directory share a file."""
    file = PolicyFile(Path(settings.worker.data_dir) / f"{settings.kafka.topic_prefix}policy.json")
    reader = CachedPolicyReader(PostgresPolicyLoader(database).load, time.time, file)
    metrics.set_gauge_function(POLICY_AGE, reader.compute_age, role)
    return reader
