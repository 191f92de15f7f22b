"""Says what a worker without keys of encryption cannot do while projects ask for encryption; without such a project it is silent."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from app.telemetry import log_event
from app.workers.worker_builder import WorkerBuilder
from schemas.channels import CHANNEL_NAMES
from schemas.errors import UnavailableError
from schemas.ports import Sleep
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.project_sealing import LIST_OVERRIDES

INTERVAL = 60.0  # seconds; a project may ask for it any time
RETRY = 2.0  # seconds, until projects could be read once
EFFECTS: Mapping[str, str] = {
    "router": "it writes their deliveries in plain, and a notification that the gateway has sealed becomes a dead letter (seal_broken)",
    "scheduler": "what is sealed of them cannot be redriven",
    "recorder": "it stores addresses of their users in plain",
    **dict.fromkeys(CHANNEL_NAMES, "a sealed delivery of theirs becomes a dead letter (seal_broken)"),
}
"""What comes of it, by role."""

Fetch = Callable[[str], Awaitable[Sequence[DatabaseRow]]]


def watch_missing_keys(worker: WorkerBuilder, database: Database, sleep: Sleep) -> None:
    """Have the worker say which projects it cannot serve, if its settings have no keys."""
    if not worker.settings.encryption.keys:
        worker.add_task("missing_keys", partial(report_missing_keys, worker.role, database.fetch, sleep))


async def report_missing_keys(role: str, fetch: Fetch, sleep: Sleep) -> None:
    """Log at the start, and again when they are others, the projects whose data is to be encrypted."""
    reported: list[str] = []
    wait = RETRY
    while True:
        try:
            projects = sorted(row["id"] for row in await fetch(LIST_OVERRIDES) if row["encrypts_personal_data"])
        except UnavailableError:
            projects = reported
        else:
            wait = INTERVAL
        if projects and projects != reported:
            action = "give it encryption.keys and encryption.index_key, the same as all processes, and redrive such dead letters"
            log_event("worker.keys_missing", logging.WARNING, role=role, projects=projects, effect=EFFECTS[role], action=action)
        reported = projects
        await sleep(wait)
