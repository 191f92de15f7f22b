"""Faust apps that never connect."""

from pathlib import Path

from app.streaming.application import StreamApp, build
from app.streaming.settings import StreamSettings

NOWHERE = "127.0.0.1:1"


def an_app(folder: Path, app_id: str = "t-router", **settings: object) -> StreamApp:
    """An app with its data below `folder`."""
    return build(StreamSettings(app_id=app_id, broker=NOWHERE, datadir=folder / "deep" / "data", **settings))  # type: ignore[arg-type]
