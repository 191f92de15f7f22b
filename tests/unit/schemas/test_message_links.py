"""The links of messages: what is built is read, and the header fits into a line."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from schemas.link_tokens import LinkTokens
from schemas.message_links import LinkBuilder, LinkTarget, read_target

TOKENS = LinkTokens([b"1" * 32])
TARGET = LinkTarget("u-42", "marketing", "email", "ntf_1")


def build_header(mailbox: str = "", target: LinkTarget = TARGET) -> str:
    return LinkBuilder(TOKENS, "https://herold.example.org/notify/", mailbox).build(target).list_unsubscribe


def test_the_links_lead_below_the_base_url_and_are_read_again() -> None:
    links = LinkBuilder(TOKENS, "https://herold.example.org/notify/").build(TARGET)
    assert links.unsubscribe_url.startswith("https://herold.example.org/notify/u/")
    assert links.preferences_url == links.unsubscribe_url + "/preferences"
    assert read_target(TOKENS, links.unsubscribe_url.rpartition("/")[2]) == TARGET


def test_the_header_has_the_link_and_the_mailbox_if_there_is_one() -> None:
    assert build_header() == f"<{LinkBuilder(TOKENS, 'https://herold.example.org/notify').build(TARGET).unsubscribe_url}>"
    url, _, mailbox = build_header("unsubscribe+{all}@example.org").partition(", ")
    assert url == build_header()
    parts = urlsplit(mailbox.strip("<>"))
    assert (parts.scheme, unquote(parts.path)) == ("mailto", "unsubscribe+{all}@example.org")
    assert read_target(TOKENS, parse_qs(parts.query)["subject"][0]) == TARGET


def test_the_mailbox_is_left_out_where_a_line_would_be_too_long() -> None:
    long = build_header("unsubscribe@example.org", LinkTarget("u" * 256, "c" * 128, "email", "ntf_1"))
    assert "mailto" not in long
    assert len(f"List-Unsubscribe: {long}") < 998


def test_a_user_id_that_is_too_long_for_a_line_has_links_without_the_header() -> None:
    links = LinkBuilder(TOKENS, "https://herold.example.org").build(target := LinkTarget("名" * 256, "c", "email", "ntf_1"))
    assert links.list_unsubscribe == ""
    assert read_target(TOKENS, links.unsubscribe_url.rpartition("/")[2]) == target


@pytest.mark.parametrize(
    "token",
    [
        TOKENS.sign("receipt", *TARGET),
        TOKENS.sign("unsubscribe", "u-42", "marketing"),
        TOKENS.sign("unsubscribe", "u-42", "marketing", "fax", "ntf_1"),
        TOKENS.sign("unsubscribe", *TARGET, "more"),
        LinkTokens([b"2" * 32]).sign("unsubscribe", *TARGET),
    ],
)
def test_another_token_has_no_target(token: str) -> None:
    assert read_target(TOKENS, token) is None
