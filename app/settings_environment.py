"""The environment over faust.yml: HEROLD_<SECTION>_<KEY>, and three addresses by the names that others use."""

from collections.abc import Mapping
from typing import Any

from schemas.errors import SettingError

ENV_PREFIX = "HEROLD_"
ENV_ALIASES = {
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "DATABASE_URL": ("postgres", "url"),
    "REDIS_URL": ("redis", "url"),
}


def apply_environment(tree: dict[str, dict[str, Any]], env: Mapping[str, str]) -> None:
    """Override keys of the tree. Raises SettingError for a variable that names a section but none of its keys."""
    for variable, (section, key) in ENV_ALIASES.items():
        if env.get(variable):
            tree[section][key] = env[variable]
    for name, values in tree.items():
        override_section(name, values, env)


def override_section(name: str, values: dict[str, Any], env: Mapping[str, str]) -> None:
    """Override keys of a section. Raises SettingError for a variable that names none of them."""
    targets = _list_variables(f"{ENV_PREFIX}{name}", values)
    for variable in env:
        if variable.startswith(f"{ENV_PREFIX}{name}_".upper()):
            if variable not in targets:
                raise SettingError(variable, f"{name} has no such key; it has {sorted(targets)}")
            container, key = targets[variable]
            container[key] = env[variable]


def _list_variables(prefix: str, section: dict[str, Any]) -> dict[str, tuple[dict[str, Any], str]]:
    """The variables of a section, each with the dict and the key that it overrides; a section within it has variables of its own."""
    variables: dict[str, tuple[dict[str, Any], str]] = {}
    for key, value in section.items():
        if isinstance(value, dict):
            variables |= _list_variables(f"{prefix}_{key}", value)
        else:
            variables[f"{prefix}_{key}".upper().replace("-", "_")] = section, key
    return variables
