"""The authenticator of `gateway.api_key`."""

import hmac

from app.api.principal import Authenticator, Principal, Scheme, build_bootstrap_principal


def build_bootstrap_authenticator(api_key: str) -> Authenticator:
    """Accepts this key; none if it is empty."""
    expected, principal = api_key.encode(), build_bootstrap_principal()

    async def authenticate_bootstrap_key(scheme: Scheme, credential: bytes) -> Principal | None:
        return principal if expected and hmac.compare_digest(credential, expected) else None

    return authenticate_bootstrap_key
