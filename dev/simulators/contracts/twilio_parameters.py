"""Checks the parameters of a form against Twilio's contract."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dev.simulators.contracts.loader import load_contract

_CONTRACT: Mapping[str, Any] = load_contract("twilio_create_message")
_PARAMETERS: Mapping[str, Mapping[str, Any]] = _CONTRACT["parameters"]
_PATTERNS = {name: re.compile(limits["pattern"]).fullmatch for name, limits in _PARAMETERS.items() if "pattern" in limits}
_match_host = re.compile(r"\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?").fullmatch
_match_integer = re.compile(r"[+-]?[0-9]{1,10}").fullmatch
match_account_sid = re.compile(_CONTRACT["account_sid"].encode()).fullmatch


def find_error_code(parameters: Iterable[tuple[str, str]]) -> int:
    """The error code of the first parameter that is not what the contract says; 0 if there is none. Unknown parameters are ignored."""
    counts: dict[str, int] = {}
    for name, value in parameters:
        if name not in _PARAMETERS or not value:
            continue
        if not _is_valid(name, value):
            return int(_PARAMETERS[name]["code"])
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > _PARAMETERS[name].get("maxItems", counts[name]):
            return int(_PARAMETERS[name]["code"])
    return 0


@lru_cache(4096)
def _is_valid(name: str, value: str) -> bool:
    limits = _PARAMETERS[name]
    kind = limits["type"]
    if kind == "boolean":
        return value.lower() in ("true", "false")
    if kind == "integer":
        return bool(_match_integer(value)) and limits["minimum"] <= int(value) <= limits["maximum"]
    if kind == "url":
        return len(value) <= limits["maxLength"] and _is_absolute_url(value)
    if kind == "json":
        return _is_json_object(value)
    return _PATTERNS[name](value) is not None


def _is_absolute_url(text: str) -> bool:
    """Whether it is an http or https URL with a host that Twilio calls: without an underscore, and no space or control character."""
    if not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
        host = host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]
        return parts.scheme.lower() in ("http", "https") and (parts.port is None or parts.port > 0) and bool(_match_host(host))
    except ValueError:
        return False


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except msgspec.DecodeError:
        return False
