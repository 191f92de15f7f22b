"""What the URL of a webhook endpoint may be, and its normal form."""

import pytest

from agents.providers.endpoint_url import (
    UrlPolicy,
    build_url,
    find_address_problems,
    is_odd_number,
    normalize_endpoint_url,
    parse_ports,
)
from agents.providers.http import AddressPolicy
from schemas.user_validation import FieldProblem

STRICT = UrlPolicy(False, parse_ports("443, 8443"), AddressPolicy("127.0.0.1, hooks.internal"))
LAX = UrlPolicy(True, frozenset(), AddressPolicy())


def normalize(text: str, policy: UrlPolicy = LAX) -> str:
    parsed = normalize_endpoint_url(text, policy)
    assert not isinstance(parsed, FieldProblem), parsed
    return build_url(parsed)


def find_problem(text: str, policy: UrlPolicy = LAX) -> str:
    parsed = normalize_endpoint_url(text, policy)
    assert isinstance(parsed, FieldProblem), parsed
    return parsed.text


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://hooks.example.org/orders", "https://hooks.example.org/orders"),
        ("HTTPS://Bücher.EXAMPLE:443/Grüße?a=b", "https://xn--bcher-kva.example/Gr%C3%BC%C3%9Fe?a=b"),
        ("https://hooks.example.org:8443", "https://hooks.example.org:8443/"),
        ("http://93.184.215.14/x", "http://93.184.215.14/x"),
        ("https://[2606:4700:0::1111]/x", "https://[2606:4700::1111]/x"),
        ("https://1a.example.org/", "https://1a.example.org/"),
    ],
)
def test_a_url_is_stored_in_normal_form(text: str, url: str) -> None:
    assert normalize(text) == url
    assert normalize(url) == url


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("http://hooks.example.org/", "https://"),
        ("https://hooks.example.org:25/", "port 25"),
        ("https://user:word@hooks.example.org/", "password"),
        ("https://hooks.example.org/#part", "fragment"),
        ("ftp://hooks.example.org/", "https://"),
        ("https:///path", "host"),
        ("https://hooks.example.org:99999/", "port"),
        ("https://a b.example.org/", "white space"),
    ],
)
def test_what_is_not_allowed_is_named(text: str, word: str) -> None:
    assert word in find_problem(text, STRICT)


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "1.2.3.04", "1.2.3.4.5", "0x", "example.0x7f", "1.2.3.256"]
)
def test_a_number_in_another_form_is_no_host(host: str) -> None:
    assert is_odd_number(host)
    assert "four decimal numbers" in find_problem(f"https://{host}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "1.2.3.4", "1.example.org", "0x7f.example.org", "a1", "[::1]"])
def test_other_hosts_are_no_odd_numbers(host: str) -> None:
    assert not is_odd_number(host)


@pytest.mark.parametrize("url", ["https://127.0.0.1:8025/", "https://hooks.internal:9000/"])
def test_a_listed_host_may_have_any_port(url: str) -> None:
    assert normalize(url, STRICT) == url


@pytest.mark.parametrize("text", ["0", "65536", "https", "-1", "443;8443", "²"])
def test_a_text_that_is_no_port_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a port"):
        parse_ports(text)


def test_every_address_of_the_host_must_be_allowed() -> None:
    policy = AddressPolicy()
    assert not [*find_address_problems(policy, "a.example.org", ["93.184.215.14", "2606:4700::1111"])]
    [problem] = find_address_problems(policy, "a.example.org", ["93.184.215.14", "10.0.0.1"])
    assert (problem.path, problem.reason) == ("$.url", "address_not_allowed")
    assert "10.0.0.1" not in problem.text
    assert [one.reason for one in find_address_problems(policy, "a.example.org", [])] == ["unknown_host"]
