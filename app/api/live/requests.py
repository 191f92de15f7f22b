"""What a client of the live view asks for, in its first message or in the query of a request."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from app.api.live.filters import LiveFilter

FILTER_FIELDS = frozenset(LiveFilter.__struct_fields__)
SINGLE_FIELDS = frozenset({"user_id", "notification_id"})


class LiveRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows, and from where: the cursor of the last frame, else what is saved of the session of the last connection, else now.

    `sampling`: whether rows may be left out, and counted, while more come than can be shown.
    """

    filter: LiveFilter = LiveFilter()
    cursor: str = ""
    session: str = ""
    sampling: bool = True


_decode = msgspec.json.Decoder(LiveRequest).decode


def decode_request(message: str) -> LiveRequest:
    """The request of a message. Raises msgspec.DecodeError or msgspec.ValidationError, which names the field."""
    return _decode(message)


def build_request(query: Mapping[str, Sequence[str]], last_event_id: str) -> LiveRequest:
    """The request of a query, in which a field may be several times. Raises msgspec.ValidationError, which names the field.

    A browser that connects again sends the id of the last event, which is the cursor.
    """
    filter_values = {key: values[-1] if key in SINGLE_FIELDS else list(values) for key, values in query.items() if key in FILTER_FIELDS}
    others = {key: values[-1] for key, values in query.items() if key not in FILTER_FIELDS}
    cursor = last_event_id or others.pop("cursor", "")
    return msgspec.convert({"sampling": "false", **others, "cursor": cursor, "filter": filter_values}, LiveRequest, strict=False)
