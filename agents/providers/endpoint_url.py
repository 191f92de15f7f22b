"""Checks the URL of a webhook endpoint when it is registered, as far as that can be seen without a connection.

The address is checked again at each connection (agents/providers/http/connector.py): a name may resolve to another one then.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agents.providers.http import AddressPolicy
from agents.providers.request import ParsedUrl, parse_url
from schemas.addresses import InvalidAddress, normalize_url
from schemas.user_validation import FieldProblem

URL_FIELD = "$.url"
INVALID = "invalid_address"
NOT_ALLOWED = "its host has an address that is not public: Herold calls only public addresses, and those that the operator allows"

# The URL standard reads such hosts as IPv4 addresses (https://url.spec.whatwg.org/#ends-in-a-number-checker), and so does getaddrinfo.
_ends_in_number = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?").fullmatch
_is_dotted_decimal = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}").fullmatch


class UrlPolicy(NamedTuple):
    """Which URLs endpoints may have: plain http or not, and these ports (empty: any) but for the hosts that the address policy lists."""

    allow_http: bool
    ports: frozenset[int]
    addresses: AddressPolicy

    def allows_port(self, parsed: ParsedUrl) -> bool:
        """Whether the port of a URL may be called."""
        return not self.ports or parsed.port in self.ports or self.addresses.lists(parsed.host)


def parse_ports(text: str) -> frozenset[int]:
    """The ports of a comma separated list. Raises ValueError for what is none."""
    ports = [entry.strip() for entry in text.split(",") if entry.strip()]
    for port in ports:
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"{port!r} in ports is not a port: use numbers between 1 and 65535, such as 443, 8443")
    return frozenset(map(int, ports))


def normalize_endpoint_url(text: str, policy: UrlPolicy) -> ParsedUrl | FieldProblem:
    """The URL in normal form, parsed; or why no endpoint can have it."""
    url = normalize_url(text)
    if isinstance(url, InvalidAddress):
        return FieldProblem(URL_FIELD, url.problem, INVALID)
    try:
        parsed = parse_url(url)
    except ValueError as error:
        return FieldProblem(URL_FIELD, str(error), INVALID)
    if not policy.allow_http and not parsed.origin.startswith("https://"):
        return FieldProblem(URL_FIELD, "must begin with https://, because providers.webhook.allow_http is false", INVALID)
    if is_odd_number(parsed.host):
        problem = "has a number as its host: write an IPv4 address as four decimal numbers with dots, without leading zeros"
        return FieldProblem(URL_FIELD, problem, INVALID)
    if not policy.allows_port(parsed):
        return FieldProblem(URL_FIELD, f"has the port {parsed.port}, which is not among providers.webhook.ports", INVALID)
    return parsed


def is_odd_number(host: str) -> bool:
    """Whether name servers are not asked for this host because it is an IPv4 address, but in another form than four decimal numbers."""
    return bool(_ends_in_number(host)) and not _is_dotted_decimal(host)


def find_address_problems(policy: AddressPolicy, host: str, addresses: Iterable[str]) -> Iterator[FieldProblem]:
    """A problem if one of the addresses of a host must not be called, or if there is none."""
    listed = list(addresses)
    if not listed:
        yield FieldProblem(URL_FIELD, "has a host that no name server knows", "unknown_host")
    elif not all(policy.allows(host, address) for address in listed):
        yield FieldProblem(URL_FIELD, NOT_ALLOWED, "address_not_allowed")


def build_url(parsed: ParsedUrl) -> str:
    """The text of a parsed URL in normal form."""
    scheme = parsed.origin.partition("://")[0]
    return f"{scheme}://{parsed.host_header}{parsed.target}"
