"""How each role is put together: its Faust app, agents, tables and connections."""

from app.roles import delivery, recorder, router
from app.settings import Settings
from app.streaming.application import StreamApp
from schemas.words import CHANNELS


def build(role: str, settings: Settings) -> StreamApp:
    """The Faust app of a role; nothing connects before the worker starts. Raises ValueError for a role that there is not."""
    if role == "router":
        return router.build(role, settings)
    if role == "recorder":
        return recorder.build(role, settings)
    if role in CHANNELS:
        return delivery.build(role, settings)
    raise ValueError(f"there is no role {role}")
