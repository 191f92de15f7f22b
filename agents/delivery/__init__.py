"""deliveries.<channel>.<lane> -> provider -> status: prepare, attempt, decide, record."""

from agents.delivery.deliverer import Deliverer
from agents.delivery.observer import EndedBatch, Observer

__all__ = ["Deliverer", "EndedBatch", "Observer"]
