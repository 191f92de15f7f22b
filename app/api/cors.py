"""Cross-origin requests (the Fetch standard's CORS): closed, unless gateway.cors_origins names the origins whose pages may call the API."""

import re
from collections.abc import Sequence
from typing import Final

from app.api.middleware import AsgiApp, Message, Receive, Scope, Send
from app.api.security_headers import add_security_headers
from schemas.errors import SettingError

ALLOWED_METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"
ALLOWED_HEADERS: Final = b"authorization, content-type, idempotency-key, if-match, if-none-match, x-api-key"
EXPOSED_HEADERS: Final = b"etag, link, location, ratelimit, ratelimit-policy, retry-after, x-request-id"
PREFLIGHT_MAX_AGE: Final = b"600"  # seconds that a browser keeps the permission

_is_origin = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?").fullmatch


def parse_origins(text: str) -> frozenset[bytes]:
    """The origins of the setting. Raises SettingError, also for `*`: any page could then call the API from a browser in your network."""
    origins = [part.strip() for part in text.split(",")] if text.strip() else []
    for origin in origins:
        if not _is_origin(origin):
            raise SettingError("gateway.cors_origins", f"{origin!r} is no origin: write scheme and host, as https://admin.example.org")
    return frozenset(origin.encode() for origin in origins)


class CorsApp:
    """Answers preflight requests of these origins, which have no key, and lets their pages read responses. Cookies are not allowed."""

    def __init__(self, app: AsgiApp, origins: frozenset[bytes]) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = _find_header(scope["headers"], b"origin") if scope["type"] == "http" else None
        if origin is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"vary", b"origin")]
        if origin in self._origins:
            headers += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED_HEADERS)]
            if scope["method"] == "OPTIONS" and _find_header(scope["headers"], b"access-control-request-method"):
                await _send_permission(headers, scope.get("scheme", "http"), send)
                return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _send_permission(headers: Sequence[tuple[bytes, bytes]], scheme: str, send: Send) -> None:
    permission = [
        *headers,
        (b"access-control-allow-methods", ALLOWED_METHODS),
        (b"access-control-allow-headers", ALLOWED_HEADERS),
        (b"access-control-max-age", PREFLIGHT_MAX_AGE),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": add_security_headers(permission, scheme)})
    await send({"type": "http.response.body", "body": b""})


def _find_header(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name == wanted), None)
