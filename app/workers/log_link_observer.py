"""What is logged and counted of the chains of the logs."""

import logging
from base64 import b64encode

from agents.log_linker import LinkDelay
from agents.reading_gatherer import GatherDelay
from app.telemetry import Metrics, log_event
from schemas import metrics as names
from schemas.checkpoints import LinkedLog


def observe_gather_delay(delay: GatherDelay) -> None:
    """Log that readings of personal data wait to be entries of the audit log."""
    log_event("audit.gathering_delayed", logging.WARNING, cause=delay.cause, seconds=delay.seconds)


class LogLinkObserver:
    """Called for what was linked and signed, and while PostgreSQL does not answer."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: LinkedLog | LinkDelay) -> None:
        """Count the event; a checkpoint and a delay have a line in the log."""
        if isinstance(event, LinkDelay):
            log_event("audit.linking_delayed", logging.WARNING, cause=event.cause, seconds=event.seconds)
            return
        self._metrics.increment(names.LINKED_ENTRIES, event.linked, event.log)
        if (checkpoint := event.checkpoint) is None:
            return
        self._metrics.increment(names.CHECKPOINTS, 1, event.log)
        log_event(
            "audit.checkpoint_signed",
            log=checkpoint.log,
            number=checkpoint.number,
            hash=checkpoint.hash.hex(),
            created_at=checkpoint.created_at,
            key_id=checkpoint.key_id,
            signature=b64encode(checkpoint.signature).decode(),
        )
