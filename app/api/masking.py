"""Shows personal data to whoever may see it, with an entry in the audit log, and masked to all others."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from litestar.params import QueryParameter

from app.api.access import has_permission
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.principal import get_principal
from schemas.permissions import Permission

T = TypeVar("T")

MaskedParameter = Annotated[bool, QueryParameter(description="with masks, also for who may read without: then no reading is audited")]


async def show(
    request: ApiRequest, items: Sequence[T], mask: Callable[[T], T], resource: str, get_person: Callable[[T], str], *, masked: bool
) -> list[T]:
    """The items, masked if that is asked for or the principal does not have users:unmask, in whatever project.

    Without masks, the audit log says who read whose data, of which `get_person` gives the id. Raises UnavailableError.
    """
    principal = get_principal(request)
    if masked or not has_permission(principal, Permission.USERS_UNMASK):
        return [mask(item) for item in items]
    await get_dependencies(request).personal_data.record_readings(principal.actor, resource, list(map(get_person, items)))
    return [*items]
