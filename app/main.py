"""The Faust apps, one per role, each built when it is asked for: `faust -A app.main:router worker`."""

from typing import Any

from app.settings import load
from app.telemetry import set_up_logging
from app.topology import ROLES

_built: dict[str, Any] = {}


def __getattr__(name: str) -> Any:
    """The app of a role, with the settings of this process. Raises SettingError for a setting that cannot be used."""
    if name not in ROLES:
        raise AttributeError(f"there is no role {name}; there are {', '.join(ROLES)}")
    if name not in _built:
        from app.roles import build  # the roles import all that a worker needs: only when one is built

        settings = load()
        set_up_logging(settings.herold.log_level)
        _built[name] = build(name, settings)
    return _built[name]
