"""Shows personal data to whoever may see it, with an entry in the audit log, and masked to all others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.api.dependencies import ApiRequest, get_dependencies
from app.api.principal import get_principal
from schemas.permissions import Permission

T = TypeVar("T")


async def show(request: ApiRequest, items: Sequence[T], mask: Callable[[T], T], resource: str, object_id: str = "") -> list[T]:
    """The items, masked unless the principal has users:unmask; then the audit log says who read what. Raises UnavailableError."""
    principal = get_principal(request)
    if Permission.USERS_UNMASK not in principal.permissions:
        return [mask(item) for item in items]
    if items:
        await get_dependencies(request).personal_data.record_reading(principal.actor, resource, object_id, len(items))
    return [*items]
