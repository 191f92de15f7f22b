"""An origin: scheme, host and port of a server, as `https://host:port`."""

import re
from typing import NamedTuple

DEFAULT_PORTS = {"http": 80, "https": 443}

_ORIGIN_PATTERN = re.compile(r"(https?)://(?:\[([0-9a-f:.]+)\]|([^/?#@:\[\]\s]+))(?::([0-9]{1,5}))?", re.IGNORECASE).fullmatch


class Origin(NamedTuple):
    """Where to connect to, and whether with TLS."""

    tls: bool
    host: str
    port: int


def parse_origin(text: str) -> Origin:
    """Parse an origin; the default port is that of the scheme. Raises ValueError."""
    match = _ORIGIN_PATTERN(text)
    if match is None:
        raise ValueError(f"{text!r} is not an origin: use https://host or https://host:port, without a path")
    scheme = match[1].lower()
    port = int(match[4] or DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise ValueError(f"{text!r} is not an origin: the port must be between 1 and 65535")
    return Origin(scheme == "https", match[2] or match[3], port)
