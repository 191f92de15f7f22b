"""Shows personal data to whoever may see it, with an entry in the audit log, and masked to all others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.api.access import has_permission
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.principal import get_principal
from schemas.permissions import Permission

T = TypeVar("T")


async def show(request: ApiRequest, items: Sequence[T], mask: Callable[[T], T], resource: str, get_person: Callable[[T], str]) -> list[T]:
    """The items, masked unless the principal has users:unmask, in whatever project.

    Without masks, the audit log says who read whose data, of which `get_person` gives the id. Raises UnavailableError.
    """
    principal = get_principal(request)
    if not has_permission(principal, Permission.USERS_UNMASK):
        return [mask(item) for item in items]
    await get_dependencies(request).personal_data.record_readings(principal.actor, resource, list(map(get_person, items)))
    return [*items]
