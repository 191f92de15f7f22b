"""The delivery worker: deliveries.<channel>.<priority> -> provider -> notifications.status, in the steps call, decide, record."""

from agents.delivery.deliverer import Deliverer
from agents.delivery.observer import DeliveryBatchSummary, Observer

__all__ = ["Deliverer", "DeliveryBatchSummary", "Observer"]
