"""The Faust apps, one per role, each built when it is asked for: `faust -A app.main:router worker`."""

from typing import Any

from app.settings import load_settings
from app.telemetry import configure_logging
from app.topology import ROLES

_apps: dict[str, Any] = {}


def __getattr__(name: str) -> Any:
    """The app of a role, with the settings of this process. Raises SettingError for a setting that cannot be used."""
    if name not in ROLES:
        raise AttributeError(f"there is no role {name}; there are {', '.join(ROLES)}")
    if name not in _apps:
        from app.workers import build_app  # the roles import all that a worker needs: only when one is built

        settings = load_settings()
        configure_logging(settings.service.log_level)
        _apps[name] = build_app(name, settings)
    return _apps[name]
