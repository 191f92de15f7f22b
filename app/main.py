"""The Faust apps, one per role: `faust -A app.main:router worker`. An app is built at its first access."""

from typing import Any

from app.settings import Settings, load_settings
from app.telemetry import configure_logging
from app.topology import ROLES
from schemas.channels import CHANNEL_NAMES

_apps: dict[str, Any] = {}


def __getattr__(name: str) -> Any:
    """The app of a role, with the settings of this process. Raises SettingError for an invalid setting."""
    if name not in ROLES:
        raise AttributeError(f"unknown role {name}; the roles are {', '.join(ROLES)}")
    if name not in _apps:
        settings = load_settings()
        configure_logging(settings.service.log_level)
        _apps[name] = _build_app(name, settings)
    return _apps[name]


def _build_app(role: str, settings: Settings) -> Any:
    # imported here, so that a process imports the dependencies of its own role only
    if role in CHANNEL_NAMES:
        from app.workers.delivery import build_delivery_app

        return build_delivery_app(role, settings)
    if role == "recorder":
        from app.workers.recorder import build_recorder_app

        return build_recorder_app(role, settings)
    if role == "scheduler":
        from app.workers.scheduler import build_scheduler_app

        return build_scheduler_app(role, settings)
    from app.workers.router import build_router_app

    return build_router_app(role, settings)
