"""How each role is put together: its Faust app, agents, tables and connections."""

from app.settings import Settings
from app.streaming.application import StreamApp
from schemas.enums import CHANNELS


def build_app(role: str, settings: Settings) -> StreamApp:
    """The Faust app of a role; nothing connects before the worker starts. Raises ValueError for a role that there is not."""
    if role == "router":
        from app.workers import router

        return router.build_router_app(role, settings)
    if role == "recorder":
        from app.workers import recorder

        return recorder.build_recorder_app(role, settings)
    if role in CHANNELS:
        from app.workers import delivery

        return delivery.build_delivery_app(role, settings)
    raise ValueError(f"there is no role {role}")
