"""The normal form of addresses: spellings of one address are one text, and what is no address says why."""

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import addresses
from schemas.addresses import NORMALIZERS, InvalidAddress, NormalizedAddresses, build_comparison_key, normalize_addresses
from schemas.channels import CHANNEL_NAMES, ChannelName
from tests.delivery_builders import ADDRESSES, NO_EMAIL_ADDRESSES

LONG_LABEL = "x" * 64


def find_problem(channel: ChannelName, text: str) -> str:
    """The problem of an address that is not valid."""
    invalid = NORMALIZERS[channel](text)
    assert isinstance(invalid, InvalidAddress), invalid
    return invalid.problem


@pytest.mark.parametrize("channel", CHANNEL_NAMES)
def test_each_channel_has_a_normal_form(channel: ChannelName) -> None:
    assert NORMALIZERS[channel](ADDRESSES[channel]) == ADDRESSES[channel]


@pytest.mark.parametrize(
    ("channel", "text", "normal"),
    [
        ("email", "Ada@EXAMPLE.org", "Ada@example.org"),
        ("email", " ada@example.org\r\n", "ada@example.org"),
        ("email", "\u202aada\u200b@exam\u200dple.org\u202c", "ada@example.org"),
        ("email", "ada@Bücher.example", "ada@xn--bcher-kva.example"),
        ("email", "ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"),  # decomposed
        ("email", "ada@straße.example", "ada@xn--strae-oqa.example"),  # IDNA 2008; IDNA 2003 had strasse
        ("email", "ada@ｅｘａｍｐｌｅ。org", "ada@example.org"),
        ("email", "ada@shop.test", "ada@shop.test"),
        ("sms", "+1 (500) 555-0006", "+15005550006"),  # a test number of Twilio
        ("sms", "+12025550101", "+12025550101"),  # reserved for fiction
        ("sms", "+447700900102", "+447700900102"),  # reserved for drama, and not valid in the library's data
        ("sms", "＋４９ １７０ １２３４５６７", "+491701234567"),
        ("sms", "\u202a+49\u00a0170\u2011123\u200b4567\u202c", "+491701234567"),
        ("sms", "+٤٩١٧٠١٢٣٤٥٦٧", "+491701234567"),
        ("sms", "(+49) (0)170/123.45.67", "+491701234567"),
        ("sms", "+39 06 1234 5678", "+390612345678"),  # the zero belongs to the number
        ("push", "\ufefftoken:1 ", "token:1"),
        ("push", "topic:news\u200b", "topic:news"),
        ("push", "fid:fHm9_-Q\u200b", "fid:fHm9_-Q"),
        ("webhook", "HTTPS://Shop.Example.ORG:443", "https://shop.example.org/"),
        ("webhook", "http://shop.example.org:080/a", "http://shop.example.org/a"),
        ("webhook", "https://shop.example.org:8443?of=1", "https://shop.example.org:8443/?of=1"),
        ("webhook", "https://Bücher.example/Grüße?x=ö", "https://xn--bcher-kva.example/Gr%C3%BC%C3%9Fe?x=%C3%B6"),
        ("webhook", "https://نامه\u200cای.example/", "https://xn--mgba3gch31f060k.example/"),  # the joiner is a part of the name
        ("webhook", "\u202ahttps://exam\u200cple.org/h\u200b\u202c", "https://example.org/h"),
        ("webhook", "https://①②⑦。0.0.1/", "https://127.0.0.1/"),  # as the address filter must see it
        ("webhook", "https://[::FFFF:7F00:1]:443/", "https://[::ffff:7f00:1]/"),
    ],
)
def test_spellings_of_one_address_are_one_text(channel: ChannelName, text: str, normal: str) -> None:
    assert NORMALIZERS[channel](text) == normal
    assert NORMALIZERS[channel](normal) == normal


@pytest.mark.parametrize(
    ("channel", "text", "problem"),
    [
        ("email", "ada", "must have an @-sign"),
        ("email", "añe@example.org", "SendGrid does not send"),
        ("email", "ada@localhost", "should have a period"),
        ("email", "ada@shop.invalid", "special-use"),
        ("email", "Ada <ada@example.org>", "display name"),
        ("email", "ada lovelace@example.org", "SPACE"),
        ("email", "a..b@example.org", "two periods"),
        ("email", f"ada@{LONG_LABEL}.org", "too many"),
        ("email", f"{'a' * 300}@{'x.' * 100}org", "too long"),
        ("email", "ada@℀.example", "domain"),
        ("sms", "00491701234567", "begin with + and the country code"),
        ("sms", "0170 1234567", "begin with + and the country code"),
        ("sms", "+15550006", "country code +1"),  # without area code
        ("sms", "+1500555000", "country code +1"),
        ("sms", "+621234567890123456", "country code +62"),  # its country may be longer than E.164
        ("sms", "+999123456789", "no country"),
        ("sms", "+1", "too short"),
        ("sms", "+1 202 555 0101 ext. 5", "only digits"),
        ("sms", "+1-800-FLOWERS", "only digits"),
        ("sms", "+12025550101 +12025550102", "only digits"),
        ("sms", "+" + "1" * 400, "too long"),
        ("push", "a b", "printable ASCII"),
        ("push", "\u200b", "printable ASCII"),
        ("push", "topic:a/b", "after topic:"),
        ("push", "fid:a b", "after fid:"),
        ("push", "fid:a.b", "after fid:"),
        ("webhook", "shop.example.org/hook", "https://"),
        ("webhook", "ftp://shop.example.org", "https://"),
        ("webhook", "https://ada:secret@shop.example.org/", "user and password"),
        ("webhook", "https://shop.example.org\\@evil.example/", "user and password"),
        ("webhook", "https://shop.example.org/#top", "fragment"),
        ("webhook", "https://shop.example.org/a b", "%20"),
        ("webhook", "https://shop.example.org/a\tb", "control"),
        ("webhook", "https://shop.example.org:0/", "host or port"),
        ("webhook", "https://shop.example.org:65536/", "host or port"),
        ("webhook", "https://a..b/", "host or port"),
        ("webhook", f"https://{LONG_LABEL}.org/", "host or port"),
        ("webhook", "https://℀.example/", "host or port"),  # it contains a slash
        ("webhook", "https://[fe80::1%25eth0]/", "host or port"),
        ("webhook", "https:///path", "host or port"),
        ("webhook", "https://x.org/" + "é" * 400, "2048"),
        ("webhook", "https://x.org?" + "a" * 2034, "2048"),
    ],
)
def test_what_is_no_address_says_why(channel: ChannelName, text: str, problem: str) -> None:
    found = find_problem(channel, text)
    assert problem in found
    assert text not in found


def test_addresses_of_one_person_are_kept_once() -> None:
    given = ["Ada@example.org", "nobody", "ada@EXAMPLE.org", "bob@example.org", "ADA@example.org"]
    usable, duplicates, problems = normalize_addresses("email", given)
    assert (usable, duplicates, list(problems)) == (["Ada@example.org", "bob@example.org"], {2: 0, 4: 0}, [1])
    assert normalize_addresses("sms", ["+1 202 555 0101", "+12025550101"]) == NormalizedAddresses(["+12025550101"], {1: 0}, {})
    assert normalize_addresses("webhook", ["https://x.org/A", "https://X.org/a"]).duplicates == {}


def test_only_email_addresses_are_compared_without_case() -> None:
    assert build_comparison_key("email", "Ada@example.org") == "ada@example.org"
    assert build_comparison_key("push", "Token") == "Token"


labels = st.text("ab1-", min_size=1, max_size=5) | st.sampled_from(["xn--bcher-kva", "test", "local", "arpa", "org", "123", "x" * 40])
local_parts = st.text("aZ0_+-.", min_size=1, max_size=10)


@settings(max_examples=1000)
@given(local_parts, st.lists(labels, min_size=1, max_size=4))
def test_the_pattern_for_email_addresses_finds_what_the_library_finds(local: str, labels: list[str]) -> None:
    text = f"{local}@{'.'.join(labels)}"
    assert addresses.normalize_email(text) == addresses._normalize_unusual_email(text)


is_email_format = jsonschema_rs.validator_for({"type": "string", "format": "email"}, validate_formats=True).is_valid
email_texts = st.builds(
    "{}@{}".format,
    st.text("aZ0.+-_'\"!#%&*=/?^`{|}~()<>[]:;,@\\ ü\u200b\t", min_size=0, max_size=8) | st.integers(60, 70).map(lambda count: "x" * count),
    st.text("aZ0.-_[]: ü。", min_size=0, max_size=12) | st.lists(labels, min_size=1, max_size=5).map(".".join),
)


@settings(max_examples=2000)
@given(email_texts)
def test_an_e_mail_address_is_one_by_the_format_of_json_schema_too(text: str) -> None:
    """The vendors' documents say `format: email` (RFC 5321, 4.1.2): what it refuses would be refused by them, or never arrive."""
    address = addresses.normalize_email(text)
    if isinstance(address, str):
        assert is_email_format(address), address
        assert len(address) <= 254


@pytest.mark.parametrize("text", NO_EMAIL_ADDRESSES)
def test_what_no_mailbox_has_is_no_e_mail_address(text: str) -> None:
    assert isinstance(addresses.normalize_email(text), InvalidAddress)


calling_codes = st.sampled_from(["1", "7", "33", "39", "44", "49", "54", "55", "62", "81", "247", "298", "376", "423", "800", "999"])


@settings(max_examples=1000)
@given(calling_codes, st.sampled_from(["", "0", "1", "8", "00", "0180"]), st.text("0123456789", max_size=14))
def test_a_number_that_is_left_as_it_is_is_what_the_library_finds(calling_code: str, prefix: str, digits: str) -> None:
    text = f"+{calling_code}{prefix}{digits}"
    assert addresses.normalize_number(text) == addresses._normalize_number(text)


hosts = st.lists(labels | st.just(""), min_size=1, max_size=4).map(".".join)
ports = st.sampled_from(["", ":", ":80", ":443", ":8080", ":08080", ":65535", ":65536", ":59999", ":0"])


@settings(max_examples=1000)
@given(st.sampled_from(["http", "https"]), hosts, ports, st.sampled_from(["", "/", "/a?b=c", "/a#b", "?", "/a b"]))
def test_the_pattern_for_urls_finds_what_the_whole_check_finds(scheme: str, host: str, port: str, target: str) -> None:
    text = f"{scheme}://{host}{port}{target}"
    assert addresses.normalize_url(text) == addresses._normalize_unusual_url(text)


# spellings of hosts, numbers and mailboxes, mixed with what is invisible or has a meaning in an address
fragments = st.sampled_from(
    ["ada", "Ö", "ß", ".", "@", "+1", "202", "555", "0101", "https://", "X.org", ":", "443", "/", "?", " ", "\u200c", "\u202e", "[", "]"]
)


@settings(max_examples=1000)
@given(st.sampled_from(CHANNEL_NAMES), st.lists(fragments, max_size=8).map("".join) | st.text(max_size=30))
def test_a_normal_form_is_its_own_and_ascii(channel: ChannelName, text: str) -> None:
    address = NORMALIZERS[channel](text)
    if isinstance(address, str):
        assert NORMALIZERS[channel](address) == address
        assert address.isascii()
        assert address.isprintable()
        assert " " not in address
