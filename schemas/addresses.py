"""Addresses in normal form: what is one address for a person is one text for Herold (docs/addresses.md).

A normal form is what a delivery contains, what its id is derived from, and what the provider gets. Addresses with the same comparison key
are one address. Results are cached, because the same addresses come again.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from ipaddress import IPv6Address
from typing import NamedTuple
from urllib.parse import quote

import idna
import phonenumbers
from email_validator import EmailSyntaxError, validate_email
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat, ValidationResult

from schemas.channels import ChannelName, get_channel
from schemas.content_limits import FID_PREFIX
from schemas.host_names import encode_host, remove_ignorable, remove_invisible, remove_joiners

CACHE_SIZE = 8192  # entries of each kind, together about 5 MB
MAX_CACHED_CHARACTERS = 320  # of an e-mail address or a number: no valid one is longer, and the cache shall not grow with invalid ones
MAX_PROBLEM_CHARACTERS = 200  # a problem may quote the characters that it is about
MAX_LOCAL_PART_CHARACTERS = 64  # RFC 5321, 4.5.3.1.1
MAX_URL_CHARACTERS = 2048  # of the normal form, as the database stores it
MAX_E164_CHARACTERS = 16  # + and 15 digits

TOPIC_PREFIX = get_channel("push").address_prefix
_DEFAULT_PORTS = {"http": "80", "https": "443"}

# What matches these two is in normal form: most addresses. Finding it out in full takes 10 to 50 times the time.
_match_normal_email = re.compile(
    r"[A-Za-z0-9_+-]++(?:\.[A-Za-z0-9_+-]++)*+@(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)++(?!(?:arpa|invalid|local|localhost|onion)$)[a-z]{2,}"
).fullmatch
_match_normal_url = re.compile(
    r"https?://(?=[a-z0-9.-]{1,63}[:/])[a-z0-9]++(?:[.-][a-z0-9]++)*+(?::(?!80/|443/)(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}))?/[!\"$-~]*+"
).fullmatch
_MAX_NORMAL_EMAIL_CHARACTERS = 64  # no part of a shorter address is too long

_match_e164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_match_number = re.compile(r"[(\[]?\+[\d\s()\[\].~/\u2010-\u2015\u2212\u30fc-]+").fullmatch
_match_topic = re.compile(rf"{re.escape(TOPIC_PREFIX)}[A-Za-z0-9_.~%-]{{1,900}}").fullmatch
_match_fid = re.compile(rf"{re.escape(FID_PREFIX)}[A-Za-z0-9_-]{{1,200}}").fullmatch
_split_url = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(#.*)?", re.DOTALL).fullmatch  # RFC 3986, appendix B
_split_authority = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]*))?").fullmatch
_match_host = re.compile(r"(?=.{1,254}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?").fullmatch
_find_space = re.compile(r"[\x00-\x20\x7f-\xa0]|\s").search
_replace_unsafe = re.compile(r"[^!-~]+").sub


class InvalidAddress(NamedTuple):
    """Why a text is no address of its channel, as a clause for the person who wrote it."""

    problem: str


class NormalizedAddresses(NamedTuple):
    """The usable addresses, each once; by index in the given ones, the index that a dropped one repeats, and why one is not usable."""

    usable: list[str]
    duplicates: dict[int, int]
    problems: dict[int, str]


def normalize_addresses(channel: ChannelName, texts: Sequence[str]) -> NormalizedAddresses:
    """The normal forms of a person's addresses on the channel."""
    normalize, first_indexes, normalized = NORMALIZERS[channel], dict[str, int](), NormalizedAddresses([], {}, {})
    for index, text in enumerate(texts):
        address = normalize(text)
        if isinstance(address, InvalidAddress):
            normalized.problems[index] = address.problem
            continue
        first = first_indexes.setdefault(build_comparison_key(channel, address), index)
        if first == index:
            normalized.usable.append(address)
        else:
            normalized.duplicates[index] = first
    return normalized


def build_comparison_key(channel: ChannelName, address: str) -> str:
    """What the normal forms of one address have in common: e-mail addresses are compared without case."""
    return address.lower() if channel == "email" else address


def normalize_email(text: str) -> str | InvalidAddress:
    """The address with its domain in lower case with A-labels; the local part is kept."""
    if len(text) <= _MAX_NORMAL_EMAIL_CHARACTERS and _match_normal_email(text):
        return text
    return _normalize_unusual_email(text) if len(text) <= MAX_CACHED_CHARACTERS else InvalidAddress("not an e-mail address: it is too long")


def normalize_number(text: str) -> str | InvalidAddress:
    """The telephone number in E.164."""
    if _match_e164(text) and _is_normal_number(text):
        return text
    return _normalize_number(text) if len(text) <= MAX_CACHED_CHARACTERS else InvalidAddress("not a telephone number: it is too long")


def normalize_push_address(text: str) -> str | InvalidAddress:
    """A registration token, `fid:` and the id of a Firebase installation, or `topic:` and the name of a topic."""
    visible = remove_invisible(text)
    if visible.startswith(FID_PREFIX):
        problem = f"after {FID_PREFIX} comes the id of a Firebase installation: letters, digits, - and _"
        return visible if _match_fid(visible) else InvalidAddress(problem)
    if visible.startswith(TOPIC_PREFIX):
        return visible if _match_topic(visible) else InvalidAddress(f"after {TOPIC_PREFIX} only letters, digits and -_.~% may follow")
    is_token = visible and visible.isascii() and visible.isprintable() and " " not in visible
    return visible if is_token else InvalidAddress("not a registration token: it must be printable ASCII without spaces")


def normalize_url(text: str) -> str | InvalidAddress:
    """The URL with scheme and host in lower case, A-labels, no default port, and its path in ASCII."""
    return text if _match_normal_url(text) else _normalize_unusual_url(text)


NORMALIZERS: Mapping[ChannelName, Callable[[str], str | InvalidAddress]] = {
    "email": normalize_email,
    "sms": normalize_number,
    "push": normalize_push_address,
    "webhook": normalize_url,
}


@lru_cache(CACHE_SIZE)
def _normalize_unusual_email(text: str) -> str | InvalidAddress:
    local, at, domain = remove_ignorable(text).rpartition("@")
    local = remove_joiners(local)
    if not local.isascii():
        # https://github.com/sendgrid/sendgrid-csharp/issues/656: the API answers 202, then drops the message as invalid
        return InvalidAddress("the part before the @ is not ASCII, and SendGrid does not send to such addresses")
    if len(local) > MAX_LOCAL_PART_CHARACTERS:
        return InvalidAddress(f"not an e-mail address: the part before the @ has more than {MAX_LOCAL_PART_CHARACTERS} characters")
    try:
        address = f"{local}@{encode_host(domain)}" if at else domain
        # test_environment: RFC 6761 reserves the domain `test` for tests, so it is accepted
        validate_email(address, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except idna.IDNAError:
        return InvalidAddress("not an e-mail address: its domain is not valid")
    except EmailSyntaxError as error:
        problem = str(error).rstrip(".")
        return InvalidAddress(f"not an e-mail address: {problem[:1].lower()}{problem[1:]}"[:MAX_PROBLEM_CHARACTERS])
    return address


class _CallingCode(NamedTuple):
    """The lengths of E.164 texts with a calling code, its own length with the +, and what no national number in E.164 begins with."""

    text_lengths: frozenset[int]
    length: int
    national_prefixes: tuple[str, ...]


@cache
def _find_calling_code(digits: str) -> _CallingCode | None:
    """The calling code that the three digits begin with; None if there is none, or if its national prefix is more than digits."""
    for length in (1, 2, 3):
        if regions := phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length])):
            metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(digits[:length]), regions[0])
            prefix = (metadata and metadata.national_prefix_for_parsing) or "0"
            if metadata is None or metadata.general_desc is None or not prefix.isdigit():
                return None
            lengths = frozenset(1 + length + national for national in metadata.general_desc.possible_length)
            return _CallingCode(lengths, 1 + length, ("0", prefix))
    return None


def _is_normal_number(text: str) -> bool:
    """Whether _normalize_number leaves this text of + and digits as it is; False if that takes the library to tell."""
    code = _find_calling_code(text[1:4])
    return code is not None and len(text) in code.text_lengths and not text.startswith(code.national_prefixes, code.length)


@lru_cache(CACHE_SIZE)
def _normalize_number(text: str) -> str | InvalidAddress:
    visible = unicodedata.normalize("NFKC", remove_invisible(text))
    if "+" not in visible:
        return InvalidAddress("not an international telephone number: begin with + and the country code, as in +43 1 234567")
    if not _match_number(visible):
        return InvalidAddress("not a telephone number: only digits, spaces and ()-./ may follow the +")
    try:
        number = phonenumbers.parse(visible)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            return InvalidAddress("not a telephone number: no country has its country code")
        return InvalidAddress("not a telephone number: it is too short or too long")
    formatted = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    # Only the length is checked (not is_valid_number): numbers for tests and new number ranges are not in the library's data.
    # A number without its area code is IS_POSSIBLE_LOCAL_ONLY.
    is_possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    if not is_possible or len(formatted) > MAX_E164_CHARACTERS:
        return InvalidAddress(f"not a telephone number: too short or too long for the country code +{number.country_code}")
    return formatted


@lru_cache(CACHE_SIZE)
def _normalize_unusual_url(text: str) -> str | InvalidAddress:
    visible = remove_ignorable(text)
    parts = _split_url(visible)
    scheme = parts[1].lower() if parts else ""
    if parts is None or scheme not in _DEFAULT_PORTS:
        return InvalidAddress("not a webhook URL: it must begin with https://")
    if parts[4]:
        return InvalidAddress("a webhook URL cannot have a fragment: remove the # and what follows")
    if "@" in parts[2]:
        return InvalidAddress("a webhook URL cannot have user and password: remove what is before the @")
    if _find_space(visible):
        return InvalidAddress("a webhook URL cannot have white space or control characters: write a space as %20")
    authority = _normalize_authority(parts[2], _DEFAULT_PORTS[scheme])
    if authority is None:
        return InvalidAddress("not a webhook URL: its host or port is not valid")
    path = _replace_unsafe(lambda match: quote(match[0]), remove_joiners(parts[3]))
    url = f"{scheme}://{authority}{path if path.startswith('/') else f'/{path}'}"
    if len(url) > MAX_URL_CHARACTERS:
        return InvalidAddress(f"a webhook URL has at most {MAX_URL_CHARACTERS} characters, each byte that is not ASCII as three")
    return url


def _normalize_authority(text: str, default_port: str) -> str | None:
    """Host and port of a URL, without the default port; None if one of them is not valid."""
    parts = _split_authority(text)
    if parts is None:
        return None
    try:
        host = f"[{IPv6Address(parts[1][1:-1]).compressed}]" if text.startswith("[") else encode_host(parts[1])
    except ValueError:
        return None
    port = (parts[2] or default_port).lstrip("0")
    if not (host.startswith("[") or _match_host(host)) or not port or int(port) > 65535:
        return None
    return host if port == default_port else f"{host}:{port}"
