"""The bodies of responses that list deliveries."""

from typing import Final

from msgspec import Struct

from schemas.delivery_search import FoundDelivery
from schemas.enums import Status

CSV_COLUMNS: Final = FoundDelivery.__struct_fields__


class DeliveryPage(Struct, frozen=True):
    """Deliveries, newest or oldest first; `next_cursor` is null on the last page."""

    items: list[FoundDelivery]
    next_cursor: str | None


_UUID: Final = "01a2211d759678619811269291aeed15"
_AT: Final = 1_795_851_813.0  # 2026-11-28 07:43:33 UTC
EXAMPLE_DELIVERY_PAGE: Final = DeliveryPage(
    [
        FoundDelivery(
            id=f"dlv_{_UUID}",
            notification_id=f"ntf_{_UUID}",
            user_id="u-42",
            channel="email",
            status=Status.DELIVERED,
            reason="",
            outcome="ACCEPTED",
            provider="sendgrid",
            provider_message_id="14c5d75ce93",
            attempt=0,
            redrive_count=0,
            variant="",
            priority="medium",
            category="transactional",
            type="order.shipped",
            created_at=_AT,
            updated_at=_AT + 5,
            sent_at=_AT + 2,
            delivered_at=_AT + 5,
            opened_at=None,
            clicked_at=None,
        )
    ],
    "WyJhMmI0YzYiLCJ1LTQyIl0",
)
