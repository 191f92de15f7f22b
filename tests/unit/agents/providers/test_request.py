"""Tests of parsing URLs and of encoding request heads."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.providers.request import ParsedUrl, encode_head, encode_head_prefix, parse_url


def test_a_path_is_appended_to_the_path_of_the_url() -> None:
    assert parse_url("https://a.example.org/base/").join_path("/v1") == "/base/v1"
    assert parse_url("https://a.example.org").join_path("/v1") == "/v1"


def test_a_head_is_the_prefix_the_length_and_an_empty_line() -> None:
    prefix = encode_head_prefix("a.example.org", "/v1", {"X-Key": "k"})
    lines = [b"POST /v1 HTTP/1.1", b"Host: a.example.org", b"User-Agent: Herold", b"X-Key: k", b"Content-Length: 5", b"", b""]
    assert encode_head(prefix, b"12345").split(b"\r\n") == lines


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\x00b", "ä", "a\x7fb"])
def test_a_header_value_with_a_line_break_is_rejected(value: str) -> None:
    with pytest.raises(ValueError, match="the header X-Key"):
        encode_head_prefix("a.example.org", "/", {"X-Key": value})


@pytest.mark.parametrize("target", ["/a b", "/a\r\nb", "/ä", ""])
def test_a_path_with_a_space_or_line_break_is_rejected(target: str) -> None:
    with pytest.raises(ValueError, match="path"):
        encode_head_prefix("a.example.org", target, {})


@given(st.text() | st.text().map(lambda text: f"https://{text}") | st.from_regex(r"https?://[!-~]{1,20}", fullmatch=True))
def test_a_url_is_rejected_or_has_a_plain_host_and_a_printable_target(url: str) -> None:
    try:
        parsed = parse_url(url)
    except ValueError:
        return
    assert isinstance(parsed, ParsedUrl)
    assert parsed.origin.split("://")[0] in ("http", "https")
    assert not set("/@\\?# \r\n") & set(parsed.host_header)
    assert parsed.target.startswith("/")
    assert encode_head_prefix(parsed.host_header, parsed.target, {}).count(b"\r\n") == 3


@given(
    st.from_regex(r"(https?|HTTPS|ftp)?:?/{0,3}[a-z.0-9:@\[\]]{0,12}([/?#:@]|://){0,3}[!-~]{0,9}", fullmatch=True)
    | st.builds("https://{}{}{}".format, st.sampled_from(["h.example", "h:8443", "[::1]:443", "H."]), st.sampled_from("/?#"), st.text())
)
def test_the_parts_of_a_url_are_those_of_the_standard_library(url: str) -> None:
    """Origins are parsed by themselves and kept, so that many paths of one host share that."""
    try:
        parsed = parse_url(url)
    except ValueError:
        return
    parts = urlsplit(url)
    assert parsed.origin == f"{parts.scheme}://{parsed.host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    assert parsed.host.strip("[]") == parts.hostname
    assert parsed.target == (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
