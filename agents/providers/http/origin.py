"""An origin: scheme, host and port of a server, as `https://host:port`."""

import re
from typing import NamedTuple

_ORIGIN_PATTERN = re.compile(r"(https?)://(?:\[([0-9a-f:.]+)\]|([^/?#@:\[\]\s]+))(?::([0-9]{1,5}))?", re.IGNORECASE).fullmatch
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where to connect, and whether TLS is spoken there."""

    tls: bool
    host: str
    port: int


def parse_origin(text: str) -> Origin:
    """The parts of an origin; without a port, the scheme's own. Raises ValueError for anything else."""
    shape = _ORIGIN_PATTERN(text)
    if shape is None:
        raise ValueError(f"{text!r} is no origin: write https://host or https://host:port, without a path")
    scheme = shape[1].lower()
    port = int(shape[4] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise ValueError(f"{text!r} is no origin: port {port} does not exist")
    return Origin(scheme == "https", shape[2] or shape[3], port)
