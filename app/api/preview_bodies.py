"""The body of the response to a preview of a notification; times in epoch seconds."""

from typing import Any, Final, Literal

from msgspec import Struct

from app.api.responses import GateResponse
from schemas.channels import ChannelName
from schemas.enums import Priority
from schemas.sms_segments import SmsSegments


class PreviewedDelivery(Struct, frozen=True):
    """A delivery that there would be: the masked address, the template with version and locale, and the content as it would be sent.

    `size` is that of the content in bytes; `sms` counts the segments of a text message. Links in the content are samples. Of files there
    are name and media type.
    """

    channel: ChannelName
    address: str
    template: str
    variant: str
    content: dict[str, Any]
    size: int
    sms: SmsSegments | None


class NotificationPreviewResponse(Struct, frozen=True):
    """What would become of a notification that is submitted at `judged_at`: a sentence, each gate, and each delivery with its content.

    `state` is `replayed` if the user's notification with this id was decided before: nothing would happen. `held_until` is when it would
    be decided again, `next_channel_at` when an escalation would go on; null if it is not held, or has no further channel. `duplicate_of` is
    the notification that it would repeat, or the digest that it would join. `gates_not_reached` would not be asked. `unknown` has for each
    table that could not be read in full why; the notification is judged as if the rest of it were empty.
    """

    state: Literal["routed", "held", "merged", "rejected", "dead", "replayed"]
    reason: str
    summary: str
    remedy: str
    user_id: str
    type: str
    category: str
    priority: Priority
    rule: str
    time_zone: str
    judged_at: float
    expires_at: float
    held_until: float | None
    next_channel_at: float | None
    duplicate_of: str
    gates: list[GateResponse]
    gates_not_reached: list[str]
    deliveries: list[PreviewedDelivery]
    unknown: dict[str, str]


EXAMPLE_PREVIEW: Final = NotificationPreviewResponse(
    state="routed",
    reason="",
    summary="It would be sent at once by SMS.",
    remedy="",
    user_id="u-42",
    type="account.otp",
    category="security",
    priority="high",
    rule="account.otp@1",
    time_zone="Europe/Vienna",
    judged_at=1_795_851_813.0,
    expires_at=1_795_938_213.0,
    held_until=None,
    next_channel_at=None,
    duplicate_of="",
    gates=[GateResponse("decode", "pass", "", "", "", "", {})],
    gates_not_reached=[],
    deliveries=[
        PreviewedDelivery(
            "sms",
            "***01",
            "account-otp@1 default",
            "",
            {"kind": "sms", "text": "482193 is your code."},
            44,
            SmsSegments("GSM-7", 1, 20, 140),
        )
    ],
    unknown={},
)
