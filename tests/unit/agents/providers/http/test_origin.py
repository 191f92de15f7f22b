"""Tests of parsing origins."""

import pytest

from agents.providers.http.origin import Origin, parse_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://api.sendgrid.com", Origin(True, "api.sendgrid.com", 443)),
        ("https://api.sendgrid.com:8443", Origin(True, "api.sendgrid.com", 8443)),
        ("http://127.0.0.1:4010", Origin(False, "127.0.0.1", 4010)),
        ("HTTP://localhost", Origin(False, "localhost", 80)),
        ("https://[::1]:4010", Origin(True, "::1", 4010)),
    ],
)
def test_an_origin_is_parsed(text: str, origin: Origin) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    ["", "localhost:80", "ftp://a", "http://", "http://a/", "http://a/path", "http://u@a", "http://a:0", "http://a:65536", "http://a b"],
)
def test_an_invalid_origin_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        parse_origin(text)
