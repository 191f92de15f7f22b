"""What the audit log shows of a user's fields: enough to see what was changed, and no address or attribute; pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from schemas.record_masking import mask_value
from schemas.users import User


def describe_fields(user: User, fields: Iterable[str]) -> dict[str, Any]:
    """The values of these fields, with masked addresses, and attributes by the size of their values."""
    return {name: _describe(name, getattr(user, name)) for name in fields}


def _describe(name: str, value: Any) -> Any:
    if name == "attributes":
        return mask_value({"data": value})["data"]
    return mask_value({name: msgspec.to_builtins(value)})[name]
