"""A row of a worker's table as a response; pure."""

from collections.abc import Mapping
from typing import Any

from app.api.pipeline.bodies import TableRow
from app.api.pipeline.snapshot import name_worker

PLACE = ("table", "partition", "user_id", "worker")


def build_row(role: str, key: str, found: Mapping[str, Any]) -> TableRow:
    """The response from what the worker answered: where the row is, and its fields."""
    fields = {name: value for name, value in found.items() if name not in PLACE}
    return TableRow(found["table"], role, found["user_id"], key, found["partition"], name_worker(found["worker"]), fields)
