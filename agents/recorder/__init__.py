"""status events -> history: many actors wait for one commit; a batch is acknowledged after it."""

from agents.recorder.dead_letters import DeadLetterRecorder
from agents.recorder.recorder import Recorder
from agents.recorder.writing import Committed, Observe, Stray, Waiting

__all__ = ["Committed", "DeadLetterRecorder", "Observe", "Recorder", "Stray", "Waiting"]
