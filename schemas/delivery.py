"""A delivery, one notification on one channel to one address: the value of `deliveries.<channel>.<priority>`."""

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.content import Content


class Delivery(Struct, frozen=True, gc=False, omit_defaults=True):
    """A delivery with its rendered content, which retries and redrives send unchanged; times in epoch seconds."""

    id: str
    notification_id: str
    user_id: str
    channel: ChannelName
    address: str
    content: Content
    created_at: float
    expires_at: float
    type: str = ""
    category: str = ""
    template: str = ""
    attempt: int = 0
    redrive_count: int = 0
    possible_duplicate: bool = False
    schema_version: int = 1
