"""What tries to log in count for."""

import os

import pytest

from app.auth.login_limits import (
    build_address_quotas,
    build_link_quotas,
    build_login_quotas,
    find_device,
    make_device_cookie,
    name_network,
)
from app.auth.secret_box import SecretBox

BOX = SecretBox([b"n" * 32, b"o" * 32])


def list_kinds(device: str) -> list[str]:
    return [quota.key.partition(":")[0] for quota in build_login_quotas(BOX, "ada@example.org", "192.0.2.1", device)]


def test_tries_of_unknown_devices_share_the_account() -> None:
    assert list_kinds("") == ["login-pair", "login-account"]


def test_tries_of_a_known_device_count_for_nothing_that_others_use() -> None:
    assert list_kinds("0a") == ["login-device"]


def test_the_account_limit_is_the_same_from_everywhere_and_without_case() -> None:
    first = build_login_quotas(BOX, "ada@example.org", "192.0.2.1", "")
    second = build_login_quotas(BOX, "ADA@example.org", "198.51.100.7", "")
    assert first[1] == second[1]
    assert first[0] != second[0]


def test_no_key_has_an_address_of_a_person() -> None:
    quotas = [*build_login_quotas(BOX, "ada@example.org", "192.0.2.1", ""), *build_link_quotas(BOX, "ada@example.org")]
    assert not any("ada" in quota.key or "example" in quota.key for quota in quotas)


def test_a_device_is_known_to_the_account_that_it_has_logged_in_to() -> None:
    cookie = make_device_cookie(BOX, "acc_1", os.urandom)
    device = find_device(BOX, "acc_1", cookie)
    assert len(device) == 32
    assert find_device(BOX, "acc_2", cookie) == ""
    assert find_device(BOX, "", cookie) == ""


def test_a_former_secret_knows_its_devices() -> None:
    cookie = make_device_cookie(SecretBox([b"o" * 32]), "acc_1", os.urandom)
    assert find_device(BOX, "acc_1", cookie)
    assert not find_device(SecretBox([b"n" * 32]), "acc_1", cookie)


@pytest.mark.parametrize("cookie", ["", "x" * 64, "x" * 65, "é" * 64, "=" * 64, "\0" * 64])
def test_another_cookie_is_no_device(cookie: str) -> None:
    assert find_device(BOX, "acc_1", cookie) == ""


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_counted_by_what_one_customer_has(address: str, network: str) -> None:
    assert name_network(address) == network
    assert build_address_quotas(address)[0].key == f"login-ip:{network}"
