"""Asks the OpenID provider: its metadata, its keys, and the ID token for a code. Only the configured issuer's word counts."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from msgspec import Struct

from app.auth.oidc_settings import OidcSettings
from schemas.errors import UnavailableError
from schemas.ports import Clock

TIMEOUT = 10.0  # seconds
MAX_BYTES = 262_144  # of an answer
METADATA_SECONDS = 3600.0  # for which metadata and keys are used
KEYS_INTERVAL = 30.0  # seconds between two look-ups of keys for a key that is not known
METADATA_PATH = "/.well-known/openid-configuration"


class ProviderMetadata(Struct, frozen=True):
    """What is used of the metadata (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class TokenAnswer(Struct, frozen=True):
    """What is used of the answer to a code."""

    id_token: str


class KeySet(Struct, frozen=True):
    """The keys of the provider."""

    keys: list[dict[str, Any]]


class OidcClient:
    """The requests to one provider; `clock` is monotonic. Each method raises UnavailableError."""

    def __init__(self, settings: OidcSettings, clock: Clock, client: httpx.AsyncClient | None = None) -> None:
        self._settings, self._clock = settings, clock
        # no proxy or credentials of the environment, no redirect: the secret goes to the provider only
        self._http = client or httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False)
        self._metadata: ProviderMetadata | None = None
        self._keys: KeySet | None = None
        self._metadata_at, self._keys_at = 0.0, 0.0

    async def get_metadata(self) -> ProviderMetadata:
        """The metadata, at most an hour old."""
        if self._metadata is None or self._clock() - self._metadata_at > METADATA_SECONDS:
            found = self._decode(await self._request("GET", self._settings.issuer.rstrip("/") + METADATA_PATH), ProviderMetadata)
            self._check(found)
            self._metadata, self._metadata_at = found, self._clock()
        return self._metadata

    async def find_key(self, kid: str | None) -> Mapping[str, Any] | None:
        """The key with this id; the only one for a token without. Keys are looked up again for an id that is not known, now and then."""
        if self._keys is None or self._clock() - self._keys_at > METADATA_SECONDS:
            await self._read_keys()
        key = self._select_key(kid)
        if key is None and self._clock() - self._keys_at > KEYS_INTERVAL:
            await self._read_keys()
            key = self._select_key(kid)
        return key

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> str | None:
        """The ID token for a code; None if the provider does not give one."""
        metadata, settings = await self.get_metadata(), self._settings
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        auth: tuple[str, str] | None = (_encode(settings.client_id), _encode(settings.client_secret))
        if not settings.client_secret or "client_secret_basic" not in metadata.token_endpoint_auth_methods_supported:
            form |= {"client_id": settings.client_id, **({"client_secret": settings.client_secret} if settings.client_secret else {})}
            auth = None
        body = await self._request("POST", metadata.token_endpoint, data=form, auth=auth, accepted=(200, 400))
        try:
            return msgspec.json.decode(body, type=TokenAnswer).id_token
        except msgspec.DecodeError:
            return None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _read_keys(self) -> None:
        self._keys = self._decode(await self._request("GET", (await self.get_metadata()).jwks_uri), KeySet)
        self._keys_at = self._clock()

    def _select_key(self, kid: str | None) -> Mapping[str, Any] | None:
        keys = self._keys.keys if self._keys else []
        matching = [key for key in keys if kid is None or key.get("kid") == kid]
        return matching[0] if len(matching) == 1 else None

    def _check(self, metadata: ProviderMetadata) -> None:
        if metadata.issuer != self._settings.issuer:
            raise UnavailableError("the metadata of auth.oidc.issuer are those of another issuer")
        schemes = {"https"} if self._settings.issuer.startswith("https:") else {"https", "http"}
        endpoints = metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri
        if not all(urlsplit(endpoint).scheme in schemes for endpoint in endpoints):
            raise UnavailableError("the metadata of auth.oidc.issuer have an endpoint without https")

    async def _request(self, method: str, url: str, accepted: tuple[int, ...] = (200,), **options: Any) -> bytes:
        try:
            async with self._http.stream(method, url, headers={"accept": "application/json"}, **options) as response:
                if response.status_code not in accepted:
                    raise UnavailableError(f"the OpenID provider answers {response.status_code}")
                return await _read_bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(f"the OpenID provider does not answer: {type(error).__name__}") from error

    @staticmethod
    def _decode(body: bytes, type_: type[Any]) -> Any:
        try:
            return msgspec.json.decode(body, type=type_)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnavailableError(f"the OpenID provider's {type_.__name__} cannot be read: {type(error).__name__}") from None


async def _read_bounded(response: httpx.Response) -> bytes:
    """Raises UnavailableError for a body that is too large."""
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_BYTES:
            raise UnavailableError(f"the OpenID provider answers with more than {MAX_BYTES} bytes")
    return body


def _encode(text: str) -> str:
    """A part of HTTP Basic as RFC 6749, 2.3.1, wants it."""
    return quote(text, safe="")
