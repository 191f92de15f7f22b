"""How often somebody may try to log in: limits that no stranger can use to keep an account's owner out.

Source of device cookies: OWASP, "Slow Down Online Guessing Attacks with Device Cookies". Who has logged in on a device has a cookie; tries
with it count by themselves. Tries without one share what the account allows to devices that it does not know.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from app.auth.secret_box import SecretBox
from schemas.limit_ports import Quota

DEVICE_BYTES = 16
MAC_BYTES = 32
COOKIE_CHARACTERS = 64  # base64url of both
IPV6_PREFIX_BITS = 64  # of what one customer usually has

ADDRESS_INTERVAL, ADDRESS_BURST = 3.0, 30  # tries of one address: a network of many people
PAIR_INTERVAL, PAIR_BURST = 60.0, 10  # of one address at one account
ACCOUNT_INTERVAL, ACCOUNT_BURST = 20.0, 30  # at one account, of all devices that it does not know
DEVICE_INTERVAL, DEVICE_BURST = 60.0, 10  # at one account, of one device that it knows
LINK_INTERVAL, LINK_BURST = 1800.0, 3  # e-mails with a link to choose a password, to one account


def make_device_cookie(box: SecretBox, account_id: str, read_random: Callable[[int], bytes]) -> str:
    """The cookie of a device on which somebody has logged in to an account."""
    device = read_random(DEVICE_BYTES)
    mac = box.compute_hash("device cookie", _bind(device, account_id))
    return urlsafe_b64encode(device + mac).decode()


def find_device(box: SecretBox, account_id: str, cookie: str) -> str:
    """The id of a device that an account knows; empty for another cookie, or one of another account."""
    if len(cookie) != COOKIE_CHARACTERS or not account_id:
        return ""
    try:
        content = urlsafe_b64decode(cookie.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        return ""
    device, mac = content[:DEVICE_BYTES], content[DEVICE_BYTES:]
    expected = box.compute_hashes("device cookie", _bind(device, account_id))
    return device.hex() if any(hmac.compare_digest(one, mac) for one in expected) else ""


def build_address_quotas(address: str) -> list[Quota]:
    """What one address may try, whatever it does."""
    return [Quota(f"login-ip:{name_network(address)}", ADDRESS_INTERVAL, ADDRESS_BURST)]


def build_login_quotas(box: SecretBox, email: str, address: str, device: str) -> list[Quota]:
    """What a try to log in counts for; the same ones for addresses that no account has. `device`: of the account, else empty."""
    person = hash_person(box, email)
    if device:
        return [Quota(f"login-device:{person}:{device}", DEVICE_INTERVAL, DEVICE_BURST)]
    return [
        Quota(f"login-pair:{person}:{name_network(address)}", PAIR_INTERVAL, PAIR_BURST),
        Quota(f"login-account:{person}", ACCOUNT_INTERVAL, ACCOUNT_BURST),
    ]


def build_link_quotas(box: SecretBox, email: str) -> list[Quota]:
    """How many e-mails with a link one address gets."""
    return [Quota(f"login-link:{hash_person(box, email)}", LINK_INTERVAL, LINK_BURST)]


def hash_person(box: SecretBox, email: str) -> str:
    """An e-mail address as a part of a key in Redis, where no address may be."""
    return box.compute_hash("login limit", email.lower().encode()).hex()[:32]


def name_network(address: str) -> str:
    """An address as what is counted: itself, of IPv6 its network, which one customer has; another text as it is."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(IPv6Address(int(parsed) >> IPV6_PREFIX_BITS << IPV6_PREFIX_BITS)) + f"/{IPV6_PREFIX_BITS}"


def _bind(device: bytes, account_id: str) -> bytes:
    return device + account_id.encode()
