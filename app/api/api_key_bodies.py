"""The bodies of requests about API keys, and of the responses that list them."""

from msgspec import Struct

from schemas.api_keys import ApiKey, ApiKeyChange, ApiKeyRequest, CreatedApiKey, KeyRevocation, KeyRotation
from schemas.permissions import Role


class ApiKeyPage(Struct, frozen=True):
    """Keys in the order of their names; `next_cursor` is null on the last page."""

    items: list[ApiKey]
    next_cursor: str | None


API_KEY_BODIES: tuple[type[Struct], ...] = (ApiKeyRequest, ApiKeyChange, KeyRotation, KeyRevocation, CreatedApiKey, ApiKeyPage)
"""The structs that OpenAPI describes."""

EXAMPLE_KEY_REQUEST = {"name": "shop", "role": "service", "scopes": ["notifications:send"], "expires_at": "2027-01-31T00:00:00Z"}
EXAMPLE_KEY_PAGE = ApiKeyPage(
    [
        ApiKey(
            id="k3v9x2ab",
            name="shop",
            role=Role.SERVICE,
            scopes=["notifications:send"],
            is_test=False,
            expires_at=1801353600.0,
            revoked_at=None,
            previous_expires_at=None,
            last_used_at=1760000000.0,
            created_at=1759990000.0,
            created_by="ada",
            version=1,
        )
    ],
    None,
)
