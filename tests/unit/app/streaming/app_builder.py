"""Stream settings from faust.yml, and Faust apps that never connect."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from app.settings import load_settings
from app.streaming.application import StreamApp, build_stream_app
from app.streaming.consumer.fetch_scheduling import PriorityLimits
from app.streaming.faust_config import StreamSettings
from app.workers.worker_builder import build_stream_settings

UNREACHABLE = "127.0.0.1:1"
PRIORITY_LIMITS = (
    PriorityLimits(max_batch_records=500, max_batch_records_busy=500, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=0),
    PriorityLimits(max_batch_records=500, max_batch_records_busy=128, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=4),
    PriorityLimits(max_batch_records=500, max_batch_records_busy=64, max_in_flight_batches=1, max_in_flight_batches_busy=1, max_skips=16),
)


def build_settings(datadir: Path, **changes: Any) -> StreamSettings:
    """The router's stream settings by faust.yml, with these changes."""
    return replace(build_stream_settings("router", load_settings({}), PRIORITY_LIMITS), datadir=datadir, **changes)


def build_app(folder: Path, app_id: str = "t-router", **changes: Any) -> StreamApp:
    """An app with its data below `folder`."""
    return build_stream_app(build_settings(folder / "deep" / "data", app_id=app_id, **{"bootstrap_servers": UNREACHABLE, **changes}))
