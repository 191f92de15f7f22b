"""Rows and records of the live view for tests."""

from typing import Any

from app.api.live.filters import LiveFilter, RowFilter
from app.api.live.rows import LiveRow

EVERYTHING = RowFilter(LiveFilter())


def build_row(number: int, **changes: Any) -> LiveRow:
    """A status of the delivery with this number."""
    fields: dict[str, Any] = {"delivery_id": f"dlv_{number}", "user_id": f"user-{number}", "channel": "email"}
    return LiveRow("status", f"ntf_{number}", "SENT", 1000.0 + number, **{**fields, **changes})
