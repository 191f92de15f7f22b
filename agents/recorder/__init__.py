"""status events -> history: many actors wait for one commit; a batch is acknowledged after it."""

from agents.recorder.dead_letters import DeadLetterRecorder
from agents.recorder.recorder import Recorder
from agents.recorder.retrying_writer import HistoryCommit, Unrecordable, WriteObserver, WriteRetry

__all__ = ["DeadLetterRecorder", "HistoryCommit", "Recorder", "Unrecordable", "WriteObserver", "WriteRetry"]
