"""The vendors' pages about codes."""

import pytest

from app.api.error_pages import find_error_page


@pytest.mark.parametrize(
    ("module", "code", "page"),
    [
        ("twilio", 21610, "https://www.twilio.com/docs/api/errors/21610"),
        ("twilio", 503, "https://www.twilio.com/docs/usage/twilios-response"),
        ("sendgrid", 401, "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors"),
        ("sendgrid", 0, ""),
        ("webhook", 503, ""),
    ],
)
def test_a_code_has_the_page_of_its_vendor(module: str, code: int, page: str) -> None:
    assert find_error_page(module, code) == page
