"""No address of a person is published in an explanation; other text stays."""

import pytest

from schemas.ids import NOTIFICATION_PREFIX, make_id
from schemas.redaction import redact_text, redact_value


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("to ada.l+x@mail.example.org.", "to a***@mail.example.org."),
        ("<ada@example.org>, bob@example.org", "<a***@example.org>, b***@example.org"),
        ("+436641234567 is taken", "+43***67 is taken"),
        ("+43 (664) 123-45-67", "+43***67"),
        ("https://user:key@hooks.example.org:8443/t/4711?a=b failed", "https://hooks.example.org:8443/*** failed"),
        ("token " + "dQw4w9WgXcQ:" * 12, "token dQw4w9***"),
    ],
)
def test_an_address_is_hidden(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


@pytest.mark.parametrize(
    "text", ["order-shipped@3 de-AT", make_id(NOTIFICATION_PREFIX, 1.76e9, 1), "2026-11-28T07:00:00+01:00", "+20 ms", "https://example.org"]
)
def test_other_text_stays(text: str) -> None:
    assert redact_text(text) == text


def test_names_and_values_at_any_depth_are_redacted() -> None:
    assert redact_value({"a@b.org": [{"x": "c@d.org", "n": 1}]}) == {"a***@b.org": [{"x": "c***@d.org", "n": 1}]}
