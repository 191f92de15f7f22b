"""The recorder: notifications.status and notifications.dlq -> PostgreSQL. Batches share commits; each is acknowledged after its commit."""

from agents.recorder.dead_letters import DeadLetterRecorder
from agents.recorder.recorder import Recorder
from agents.recorder.retrying_writer import HistoryCommit, Unrecordable, WriteObserver, WriteRetry

__all__ = ["DeadLetterRecorder", "HistoryCommit", "Recorder", "Unrecordable", "WriteObserver", "WriteRetry"]
