"""Options of e-mails: what rule and template say together, and what could not be sent."""

from typing import Any

import msgspec
import pytest

from schemas.email_option_problems import MAX_HEADER_VALUE, find_option_problems
from schemas.email_options import EmailOptions, decode_options, encode_options, merge_options

TEMPLATE = EmailOptions("template@example.org", {"X-One": "t", "X-Two": "t"}, ["a", "b"], {"one": "t", "two": "t"})
RULE = EmailOptions("rule@example.org", {"x-one": "r"}, ["b", "c"], {"one": "r"}, ["c@example.org"], ["b@example.org"])


def test_options_are_stored_as_one_text() -> None:
    assert encode_options(None) == encode_options(EmailOptions()) == ""
    assert decode_options("") is None
    assert decode_options(encode_options(RULE)) == RULE
    assert encode_options(msgspec.convert({"custom_args": {"b": "2", "a": "1"}}, EmailOptions)) == '{"custom_args":{"a":"1","b":"2"}}'


def test_where_both_say_something_the_rule_counts() -> None:
    assert merge_options(TEMPLATE, RULE) == EmailOptions(
        "rule@example.org", {"X-Two": "t", "x-one": "r"}, ["b", "c", "a"], {"one": "r", "two": "t"}, ["c@example.org"], ["b@example.org"]
    )
    assert merge_options(TEMPLATE, EmailOptions()) == TEMPLATE
    assert merge_options(TEMPLATE, None) is TEMPLATE
    assert merge_options(None, RULE) is RULE
    assert merge_options(None, None) is None


def test_the_rules_categories_come_first_and_no_more_than_the_vendor_takes() -> None:
    merged = merge_options(EmailOptions(categories=[f"t{n}" for n in range(10)]), EmailOptions(categories=["r"]))
    assert merged is not None
    assert merged.categories == ["r", *(f"t{n}" for n in range(9))]


def list_paths(is_of_rule: bool = True, **fields: Any) -> list[str]:
    return [path for path, _ in find_option_problems(msgspec.convert(fields, EmailOptions), is_of_rule=is_of_rule)]


def test_what_can_be_sent_has_no_problem() -> None:
    assert list_paths(**msgspec.to_builtins(RULE)) == []
    headers = {"X-Campaign-ID": "17", "List-Id": "<news.example.org>", "Auto-Submitted": "auto-generated", "X-A": "x" * MAX_HEADER_VALUE}
    assert list_paths(headers=headers, is_of_rule=False) == []


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"reply_to": "ada"}, ["reply_to"]),
        ({"reply_to": "Ada <ada@example.org>"}, ["reply_to"]),
        ({"reply_to": "ada@EXAMPLE.org"}, ["reply_to"]),
        ({"cc": ["a@example.org", "ada@localhost"]}, ["cc[1]"]),
        ({"cc": ["a@example.org"], "bcc": ["b@example.org", "A@example.org"]}, ["bcc[1]"]),
        ({"categories": ["a", "b", "a"]}, ["categories[2]"]),
        ({"custom_args": {"delivery_id": "x", "Email": "x", "ok": "x"}}, ["custom_args.delivery_id", "custom_args.Email"]),
        (
            {"custom_args": {"recipient_digest": "x", "delivery_attempt": "1"}},
            ["custom_args.recipient_digest", "custom_args.delivery_attempt"],
        ),
        ({"custom_args": {"a b": "x", "": "y"}}, ["custom_args.'a b'", "custom_args.''"]),
        ({"custom_args": {"a": "x" * 9_800}}, ["custom_args"]),
    ],
)
def test_a_problem_names_its_field(fields: dict[str, Any], paths: list[str]) -> None:
    assert list_paths(**fields) == paths


@pytest.mark.parametrize(
    "name",
    [
        *("To", "Bcc", "Subject", "From", "Reply-To", "Content-Type", "DKIM-Signature", "Received", "x-sg-id", "X-SMTPAPI"),
        *("List-Unsubscribe", "List-Unsubscribe-Post", "Message-ID", "X-A\r\nBcc", "X-A:", "X-", "X-ü", "", "x-" + "a" * 70),
    ],
)
def test_only_known_headers_and_own_ones_can_be_set(name: str) -> None:
    assert len(list_paths(headers={name: "v"})) == 1


@pytest.mark.parametrize("value", ["", " a", "a ", "a\r\nBcc: eve@example.org", "a\nb", "ü", "a\x7f", "x" * (MAX_HEADER_VALUE + 1)])
def test_a_value_is_one_line_of_ascii(value: str) -> None:
    assert list_paths(headers={"X-A": value}) == ["headers.X-A"]


def test_a_header_is_given_once_whatever_its_case() -> None:
    assert list_paths(headers={"X-A": "1", "x-a": "2"}) == ["headers.x-a"]


def test_copies_are_for_rules_only() -> None:
    assert list_paths(is_of_rule=False, cc=["a@example.org"], bcc=["b@example.org"]) == ["cc", "bcc"]


@pytest.mark.parametrize(
    "fields", [{"cc": ["a@example.org"] * 21}, {"categories": ["x"] * 11}, {"categories": ["x" * 256]}, {"unknown": 1}]
)
def test_the_numbers_are_in_the_schema(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fields, EmailOptions)
