"""Parses provider URLs and encodes request heads; the fixed part of a head is encoded once."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from agents.providers.http.origin import DEFAULT_PORTS

HEADER_VALUE_PATTERN = "[ -~]*"
CACHED_ORIGINS = 4096  # few hosts have many paths, such as one for each user

_PRINTABLE = re.compile(r"[!-~]+").fullmatch
_HEADER_VALUE = re.compile(HEADER_VALUE_PATTERN).fullmatch
_AUTHORITY_END = re.compile("[/?#]").search
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\]").fullmatch


class ParsedUrl(NamedTuple):
    """The parts of a URL: origin (`https://host:port`), value of the Host header, path with query."""

    origin: str
    host_header: str
    target: str

    @property
    def host(self) -> str:
        """The host name or address in lower case, without a port."""
        return self.origin.partition("://")[2].rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port, also if it is the default one of the scheme."""
        return int(self.origin.rpartition(":")[2])

    def join_path(self, path: str) -> str:
        """The target for a path relative to this URL."""
        return self.target.rstrip("/") + path


def parse_url(url: str) -> ParsedUrl:
    """Parse an http or https URL of printable ASCII. Raises ValueError for other URLs, for user info and for an invalid host or port."""
    if not _PRINTABLE(url):
        raise ValueError("a URL must be printable ASCII without spaces")
    path_start = _AUTHORITY_END(url, url.find("://") + 3)
    origin, host_header = _parse_origin(url[: path_start.start()] if path_start else url)
    path, _, query = (url[path_start.start() :] if path_start else "").partition("#")[0].partition("?")
    return ParsedUrl(origin, host_header, (path or "/") + (f"?{query}" if query else ""))


@lru_cache(CACHED_ORIGINS)
def _parse_origin(url: str) -> tuple[str, str]:
    """The origin of a URL without a path, and the value of its Host header. Raises ValueError as parse_url does."""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or "@" in parts.netloc:
        raise ValueError("a URL must be http or https, without user and password")
    netloc, port = parts.netloc, DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    host = netloc[: netloc.index("]") + 1] if netloc.startswith("[") else netloc.partition(":")[0]
    if not _HOST(host):
        raise ValueError("a URL must have a host name or an IP address")
    host_header = host if port == DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
    return f"{parts.scheme}://{host.lower()}:{port}", host_header


def parse_base_url(url: str) -> ParsedUrl:
    """Parse a URL to which a path is joined. Raises ValueError as parse_url does, and for a query or fragment: the path goes before it."""
    if "?" in url or "#" in url:
        raise ValueError("the base URL of an API must not have a query or a fragment")
    return parse_url(url)


def encode_head_prefix(host: str, target: str, headers: Mapping[str, str], method: str = "POST") -> bytes:
    """The head of a request with a body up to the value of Content-Length. Raises ValueError for a line break or non-ASCII character."""
    if not _PRINTABLE(target):
        raise ValueError("the path of a request must be printable ASCII without spaces")
    return f"{method} {target} HTTP/1.1\r\n{_encode_headers(host, headers)}Content-Length: ".encode()


def encode_get_suffix(host: str, headers: Mapping[str, str]) -> bytes:
    """The head of a GET request after its target. Raises ValueError for a line break or non-ASCII character."""
    return f" HTTP/1.1\r\n{_encode_headers(host, headers)}\r\n".encode()


def encode_head(prefix: bytes, body: bytes) -> bytes:
    """The complete head: prefix, length of the body, empty line."""
    return b"%b%d\r\n\r\n" % (prefix, len(body))


def _encode_headers(host: str, headers: Mapping[str, str]) -> str:
    lines = {"Host": host, "User-Agent": "Herold", **headers}
    for name, value in lines.items():
        if not _HEADER_VALUE(value):
            raise ValueError(f"the value of the header {name} must be printable ASCII without line breaks")
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items())
