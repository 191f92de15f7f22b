"""Decides which addresses may be connected to: public ones, and those that an operator lists.

Anyone who may submit a notification chooses its URL. Without this check he could reach servers behind the firewall through a worker.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

CACHED_HOSTS = 4096
IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

# all other IPv6 space is local, multicast, reserved or a form of an IPv4 address (RFC 4291, 2.4)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# public for some versions of Python: protocol assignments and 6to4 relays; Teredo (which contains IPv4 addresses) and documentation
_SPECIAL_V4 = IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24")
_SPECIAL_V6 = IPv6Network("2001::/32"), IPv6Network("3fff::/20")

_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*").fullmatch
_ONLY_NUMBERS = re.compile(r"[0-9.]+").fullmatch


class AddressPolicy:
    """Allows public addresses, and the listed host names, addresses and networks (`localhost, 10.1.2.3, fd00::/8`).

    `lists(host)`: whether a host name or address is itself on the list. Raises ValueError for an entry that is none of these.
    """

    def __init__(self, allow: str = "") -> None:
        entries = [entry.strip() for entry in allow.split(",") if entry.strip()]
        parsed = [_parse_entry(entry) for entry in entries]
        self._hosts = frozenset(entry for entry in parsed if isinstance(entry, str))
        self._networks = tuple(entry for entry in parsed if not isinstance(entry, str))
        self.lists = lru_cache(CACHED_HOSTS)(self._lists)

    def allows(self, host: str, address: str) -> bool:
        """Whether the address, which `host` resolves to, may be connected to."""
        if _normalize_host(host) in self._hosts:
            return True
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
        if any(ip in network or (mapped is not None and mapped in network) for network in self._networks):
            return True
        return is_public(ip)

    def _lists(self, host: str) -> bool:
        if _normalize_host(host) in self._hosts:
            return True
        try:
            ip = ip_address(host.strip("[]"))
        except ValueError:
            return False
        return any(ip in network for network in self._networks)


def is_public(ip: IpAddress) -> bool:
    """Whether an address, and the IPv4 address that it contains if it is mapped, NAT64 or 6to4, belongs to the public Internet."""
    if isinstance(ip, IPv4Address):
        return ip.is_global and not (ip.is_multicast or ip.is_reserved or any(ip in network for network in _SPECIAL_V4))
    embedded = _find_embedded(ip)
    if embedded is not None:
        return is_public(embedded)
    return ip in _GLOBAL_UNICAST and ip.is_global and not any(ip in network for network in _SPECIAL_V6)


def _find_embedded(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _parse_entry(entry: str) -> IpNetwork | str:
    try:
        return ip_network(entry)
    except ValueError:
        host = _normalize_host(entry)
        if _HOST_NAME(host) and not _ONLY_NUMBERS(host):
            return host
    raise ValueError(f"{entry!r} in allow is not a host name, an address or a network: use example.org, 10.1.2.3 or 10.0.0.0/8")


def _normalize_host(host: str) -> str:
    return host.lower().removesuffix(".")
