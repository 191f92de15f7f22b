"""Requests as bytes: what cannot end a line early, and where paths go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.providers.request import ParsedUrl, encode_head, encode_head_prefix, parse_url


def test_a_path_is_put_below_the_path_of_the_url() -> None:
    assert parse_url("https://a.example.org/base/").join_path("/v1") == "/base/v1"
    assert parse_url("https://a.example.org").join_path("/v1") == "/v1"


def test_a_head_is_the_fixed_part_the_length_and_the_empty_line() -> None:
    fixed = encode_head_prefix("a.example.org", "/v1", {"X-Key": "k"})
    lines = [b"POST /v1 HTTP/1.1", b"Host: a.example.org", b"User-Agent: Herold", b"X-Key: k", b"Content-Length: 5", b"", b""]
    assert encode_head(fixed, b"12345").split(b"\r\n") == lines


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\x00b", "ä", "a\x7fb"])
def test_a_header_cannot_be_broken_by_its_value(value: str) -> None:
    with pytest.raises(ValueError, match="the header X-Key"):
        encode_head_prefix("a.example.org", "/", {"X-Key": value})


@pytest.mark.parametrize("target", ["/a b", "/a\r\nb", "/ä", ""])
def test_a_request_line_cannot_be_broken_by_its_path(target: str) -> None:
    with pytest.raises(ValueError, match="path"):
        encode_head_prefix("a.example.org", target, {})


@given(st.text() | st.text().map(lambda text: f"https://{text}") | st.from_regex(r"https?://[!-~]{1,20}", fullmatch=True))
def test_a_url_is_refused_or_leads_to_a_plain_host_and_a_printable_target(url: str) -> None:
    try:
        at = parse_url(url)
    except ValueError:
        return
    assert isinstance(at, ParsedUrl)
    assert at.origin.split("://")[0] in ("http", "https")
    assert not set("/@\\?# \r\n") & set(at.host_header)
    assert at.target.startswith("/")
    assert encode_head_prefix(at.host_header, at.target, {}).count(b"\r\n") == 3
