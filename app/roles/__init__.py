"""How each role is put together: its Faust app, agents, tables and connections."""

from app.settings import Settings
from app.streaming.application import StreamApp
from schemas.words import CHANNELS


def build(role: str, settings: Settings) -> StreamApp:
    """The Faust app of a role; nothing connects before the worker starts. Raises ValueError for a role that there is not."""
    if role == "router":
        from app.roles import router  # each role imports only what it needs itself

        return router.build(role, settings)
    if role == "recorder":
        from app.roles import recorder

        return recorder.build(role, settings)
    if role in CHANNELS:
        from app.roles import delivery

        return delivery.build(role, settings)
    raise ValueError(f"there is no role {role}")
