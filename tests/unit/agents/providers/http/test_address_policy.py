"""Which addresses may be connected to: no private, local, mapped or reserved one unless it is listed."""

import pytest

from agents.providers.http import AddressPolicy

DENIED = [
    "127.0.0.1",
    "127.255.0.9",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "no address",
]
PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]


@pytest.mark.parametrize("address", DENIED)
def test_an_address_that_is_not_public_is_denied(address: str) -> None:
    assert not AddressPolicy().allows("hooks.example.org", address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert AddressPolicy().allows("hooks.example.org", address)


@pytest.mark.parametrize(
    ("allow", "host", "address", "is_allowed"),
    [
        ("127.0.0.1", "x.example.org", "127.0.0.1", True),
        ("127.0.0.1", "x.example.org", "::ffff:127.0.0.1", True),
        ("127.0.0.1", "x.example.org", "127.0.0.2", False),
        (" 10.0.0.0/8 , fd00::/8,", "x.example.org", "10.2.3.4", True),
        ("10.0.0.0/8,fd00::/8", "x.example.org", "fd00::7", True),
        ("10.0.0.0/8,fd00::/8", "x.example.org", "127.0.0.1", False),
        ("Simulators", "simulators.", "172.18.0.4", True),
        ("simulators", "simulators.example.org", "172.18.0.4", False),
        ("example.org", "evil-example.org", "172.18.0.4", False),
    ],
)
def test_listed_hosts_addresses_and_networks_are_allowed(allow: str, host: str, address: str, is_allowed: bool) -> None:
    assert AddressPolicy(allow).allows(host, address) is is_allowed


@pytest.mark.parametrize(
    ("host", "is_listed"),
    [
        ("hooks.internal", True),
        ("HOOKS.internal.", True),
        ("127.0.0.1", True),
        ("[fd00::7]", True),
        ("10.0.0.1", False),
        ("internal", False),
        ("", False),
    ],
)
def test_a_host_is_listed_by_its_name_or_as_an_address_of_a_listed_network(host: str, is_listed: bool) -> None:
    assert AddressPolicy("hooks.internal, 127.0.0.0/8, fd00::/8").lists(host) is is_listed


@pytest.mark.parametrize(
    "entry", ["*", "*.example.org", "10.0.0.1/8", "10.0.0.0/33", "300.1.1.1", "http://example.org", "a b", "127.1", "-x"]
)
def test_an_entry_that_is_no_host_address_or_network_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a host name, an address or a network") as caught:
        AddressPolicy(f"localhost,{entry}")
    assert repr(entry) in str(caught.value)
