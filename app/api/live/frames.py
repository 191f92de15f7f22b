"""The frames that clients of the live view get, as JSON."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from app.api.live.cursor import Cursor, format_cursor
from app.api.live.rows import LiveRow


class SubscribedFrame(Struct, frozen=True, tag_field="type", tag="subscribed"):
    """The first frame: the session, and the cursor from which the client sees everything."""

    session: str
    cursor: str


class DeltaFrame(Struct, frozen=True, tag_field="type", tag="delta"):
    """New rows in the order of their arrival.

    `replaced` earlier rows of the same deliveries are left out, and `skipped` rows because there were more than a frame has; both are 0
    for a client that asked for all.
    """

    cursor: str
    rows: Sequence[LiveRow]
    replaced: int
    skipped: int


class GapFrame(Struct, frozen=True, tag_field="type", tag="gap"):
    """So many records came that this client was not shown and cannot be shown any more: read what they changed by the API."""

    cursor: str
    missed: int


class PingFrame(Struct, frozen=True, tag_field="type", tag="ping"):
    """Nothing has happened for this client for a while."""

    cursor: str


Frame = SubscribedFrame | DeltaFrame | GapFrame | PingFrame
_encode = msgspec.json.Encoder().encode


def encode_subscribed(session: str, cursor: Cursor) -> bytes:
    """The first frame."""
    return _encode(SubscribedFrame(session, format_cursor(cursor)))


def encode_delta(cursor: Cursor, rows: Sequence[LiveRow], replaced: int = 0, skipped: int = 0) -> bytes:
    """A frame of rows."""
    return _encode(DeltaFrame(format_cursor(cursor), rows, replaced, skipped))


def encode_gap(cursor: Cursor, missed: int) -> bytes:
    """A frame that says how many records are missing before the next row."""
    return _encode(GapFrame(format_cursor(cursor), missed))


def encode_ping(cursor: Cursor) -> bytes:
    """A frame without rows."""
    return _encode(PingFrame(format_cursor(cursor)))
