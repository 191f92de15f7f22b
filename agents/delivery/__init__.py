"""deliveries.<channel>.<priority> -> provider -> status: prepare, attempt, decide, record."""

from agents.delivery.deliverer import Deliverer
from agents.delivery.observer import DeliveryBatchSummary, Observer

__all__ = ["Deliverer", "DeliveryBatchSummary", "Observer"]
