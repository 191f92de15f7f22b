"""The headers with which every response tells a browser what it must not do with it; a page has a policy of its own.

Source: OWASP, REST Security Cheat Sheet and HTTP Headers Cheat Sheet.
"""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Final

Header = tuple[bytes, bytes]

HSTS_MAX_AGE: Final = 31_536_000  # seconds, a year
DEFAULT_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),  # JSON loads nothing, and is in no frame
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # an address may have a token or a user id
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),  # responses have personal data
)
TLS_HEADERS: Final[tuple[Header, ...]] = (*DEFAULT_HEADERS, (b"strict-transport-security", b"max-age=%d" % HSTS_MAX_AGE))
DEFAULT_NAMES: Final = frozenset(name for name, _ in TLS_HEADERS)

_find_inline_blocks = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL).findall


def add_security_headers(headers: list[Header], scheme: str) -> list[Header]:
    """The headers of a response with those that it does not have itself; `scheme` is that of the request, and with https it has HSTS."""
    defaults = TLS_HEADERS if scheme == "https" else DEFAULT_HEADERS
    for name, _ in headers:
        if name in DEFAULT_NAMES:
            own_names = {name for name, _ in headers}
            return [*headers, *(header for header in defaults if header[0] not in own_names)]
    return [*headers, *defaults]  # of most responses, in a fraction of a microsecond


def build_page_policy(page: str) -> str:
    """The Content-Security-Policy of a page whose scripts call this gateway: each inline block is known by its hash, nothing is loaded."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _find_inline_blocks(page):
        hashes[kind].append(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
    sources = " ".join(f"{kind}-src {' '.join(values)};" for kind, values in hashes.items() if values)
    rest = "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return f"default-src 'none'; {sources} {rest}"
