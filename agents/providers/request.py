"""A provider's URL and fixed headers as bytes that are built once; what varies is the length and the body."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

_PRINTABLE = re.compile(r"[!-~]+").fullmatch
_HEADER_VALUE = re.compile(r"[ -~]*").fullmatch
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\]").fullmatch
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ParsedUrl(NamedTuple):
    """A URL taken apart: `https://host:port`, the Host header's value, and path with query."""

    origin: str
    host_header: str
    target: str

    def join_path(self, path: str) -> str:
        """The target of a path below this URL's own."""
        return self.target.rstrip("/") + path


def parse_url(url: str) -> ParsedUrl:
    """The parts of an http or https URL of printable ASCII. Raises ValueError for any other, for user info and for a strange host."""
    if not _PRINTABLE(url):
        raise ValueError("a URL is printable ASCII without spaces")
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or "@" in parts.netloc:
        raise ValueError("a URL is http or https, without user and password")
    host, port = parts.netloc, _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    name = host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]
    if not _HOST(name):
        raise ValueError("a URL has a host name or address")
    shown = name if port == _DEFAULT_PORTS[parts.scheme] else f"{name}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return ParsedUrl(f"{parts.scheme}://{name.lower()}:{port}", shown, target)


def encode_head_prefix(host: str, target: str, headers: Mapping[str, str]) -> bytes:
    """A POST's request line and headers up to the value of Content-Length. Raises ValueError if a value could end its line."""
    if not _PRINTABLE(target):
        raise ValueError("the path of a request is printable ASCII without spaces")
    lines = {"Host": host, "User-Agent": "Herold", **headers}
    for name, value in lines.items():
        if not _HEADER_VALUE(value):
            raise ValueError(f"the value of the header {name} has a line break or a character outside ASCII")
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target} HTTP/1.1\r\n{head}Content-Length: ".encode()


def encode_head(prefix: bytes, body: bytes) -> bytes:
    """The whole head: what `prefix` gave, the body's length, the empty line."""
    return b"%b%d\r\n\r\n" % (prefix, len(body))
