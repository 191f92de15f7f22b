"""The authenticator of `gateway.api_key`."""

import hmac
from hashlib import sha256

from app.api.principal import Authenticator, Holder, Principal, Reauthenticator, Scheme, build_bootstrap_principal


def build_bootstrap_authenticator(api_key: str) -> Authenticator:
    """Accepts this key; none if it is empty."""
    expected, principal = api_key.encode(), build_bootstrap_principal()

    async def authenticate_bootstrap_key(scheme: Scheme, credential: bytes) -> Principal | None:
        return principal if expected and hmac.compare_digest(credential, expected) else None

    return authenticate_bootstrap_key


def build_bootstrap_reauthenticator(api_key: str) -> Reauthenticator:
    """Knows who has sent this key; nobody if it is empty."""
    expected, principal = sha256(api_key.encode()).digest() if api_key else b"", build_bootstrap_principal()

    async def reauthenticate_bootstrap_key(holder: Holder) -> Principal | None:
        return principal if expected and holder.principal.id == principal.id and hmac.compare_digest(holder.digest, expected) else None

    return reauthenticate_bootstrap_key
