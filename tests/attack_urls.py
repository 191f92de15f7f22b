"""URLs with which somebody could try to reach internal servers through a webhook worker; used at registration and at connect.

Sources of the spellings: RFC 3986, 7.4, https://url.spec.whatwg.org/#concept-ipv4-parser, RFC 4291, 6052, 3056, 4380.
"""

from typing import NamedTuple

from agents.providers.http.resolver import Addresses

PORT = "{port}"
"""Stands for the port of a server that must not be reached."""


class Attack(NamedTuple):
    """A URL, and the addresses that a name server answers with, if its host is a name."""

    url: str
    addresses: tuple[str, ...] = ()


SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127.000.000.001",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "１２７.0.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fec0::1]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[fc00::1]",
    "[ff02::1]",
    "[100::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[2001:db8::1]",
    "localhost",
    "LOCALHOST.",
)
NAMES = (
    ("127.0.0.1",),
    ("::1",),
    ("10.1.2.3",),
    ("172.16.0.1",),
    ("192.168.1.1",),
    ("100.64.0.1",),
    ("169.254.169.254",),
    ("192.0.0.8",),
    ("198.18.0.1",),
    ("224.0.0.1",),
    ("255.255.255.255",),
    ("::ffff:10.0.0.1",),
    ("64:ff9b::10.0.0.1",),
    ("2002:a00:1::1",),
    ("::7f00:1",),
    ("fec0::1",),
    ("fd00::1",),
)
TRICKS = (
    f"http://public.example.org@127.0.0.1:{PORT}/",
    f"http://127.0.0.1:{PORT}\\@public.example.org/",
    f"http://public.example.org:80@127.0.0.1:{PORT}/",
    f"http://127.0.0.1:{PORT}#@public.example.org/",
    f"http://127.0.0.1:{PORT}?@public.example.org/",
    f"http://127.0.0.1%00.example.org:{PORT}/",
    f"http://127.0.0.1\t.example.org:{PORT}/",
    f"http://[::1%25lo]:{PORT}/",
    f"http://127.0.0.1:{PORT}\r\nHost: public.example.org/",
    "file:///etc/passwd",
    f"gopher://127.0.0.1:{PORT}/",
    f"//127.0.0.1:{PORT}/",
)
ATTACKS: tuple[Attack, ...] = (
    *(Attack(f"http://{host}:{PORT}/", ("127.0.0.1",) if host.lower().startswith("localhost") else ()) for host in SPELLINGS),
    *(Attack(f"http://attacker.example.org:{PORT}/", addresses) for addresses in NAMES),
    *(Attack(url) for url in TRICKS),
)


def build_addresses(texts: tuple[str, ...], port: int) -> Addresses:
    """What getaddrinfo returns for these addresses. Raises OSError without any."""
    if not texts:
        raise OSError("unknown name")
    return [(10 if ":" in text else 2, 1, 6, "", (text, port)) for text in texts]
