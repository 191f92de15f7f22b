"""The resource /v1/providers: the accounts with which Herold delivers."""

from litestar import Router, get

from app.api.access import requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import UNAUTHORIZED
from app.api.provider_bodies import ProviderAccounts
from schemas.permissions import Permission


@get(
    "/",
    opt=requires(Permission.METRICS_READ),
    responses=UNAUTHORIZED,
    summary="List the accounts of providers",
    operation_id="list_providers",
)
async def list_providers(request: ApiRequest) -> ProviderAccounts:
    """With their weights, and which of their breakers are open. They are configured by settings, so they are read only."""
    return await get_dependencies(request).provider_states.list_accounts()


router = Router("/v1/providers", route_handlers=[list_providers], tags=["operations"])
