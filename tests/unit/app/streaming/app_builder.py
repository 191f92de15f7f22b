"""Faust apps that never connect."""

from pathlib import Path

from app.streaming.application import StreamApp, build_stream_app
from app.streaming.settings import StreamSettings

UNREACHABLE = "127.0.0.1:1"


def build_app(folder: Path, app_id: str = "t-router", **settings: object) -> StreamApp:
    """An app with its data below `folder`."""
    return build_stream_app(StreamSettings(app_id=app_id, bootstrap_servers=UNREACHABLE, datadir=folder / "deep" / "data", **settings))  # type: ignore[arg-type]
