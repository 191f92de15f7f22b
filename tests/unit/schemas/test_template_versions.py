"""Which locales of a template are not complete."""

import msgspec
import pytest

from schemas.template_document import TemplateDocument
from schemas.template_versions import LocaleGap, find_gaps

EMAIL = {
    "default": {"subject": "s", "text": "t", "html": "h"},
    "de": {"subject": "s", "text": "t"},
    "de-AT": {"subject": "s", "text": "t"},
}


@pytest.mark.parametrize(
    ("document", "locales", "gaps"),
    [
        ({"email": EMAIL}, [], [LocaleGap("email", "de", "de", ["html"])]),  # de-AT has all that its users would get in de
        ({"email": EMAIL}, ["de-CH", "fr"], [LocaleGap("email", "de", "de", ["html"]), LocaleGap("email", "de-CH", "de"),
                                             LocaleGap("email", "fr", "default")]),
        ({"sms": {"de": {"text": "t"}}}, [], [LocaleGap("sms", "default")]),
        ({"sms": {"default": {"text": "t"}}, "push": {"default": {"title": "t", "body": "b"}, "de": {"subject": "t", "text": "b"}}}, [],
         [LocaleGap("sms", "de", "default")]),
        ({"sms": {"default": {"text": "t"}}}, ["default"], []),
    ],
)  # fmt: skip
def test_gaps_name_the_locale_that_is_used_instead(document: dict[str, object], locales: list[str], gaps: list[LocaleGap]) -> None:
    assert [*find_gaps(msgspec.convert(document, TemplateDocument), locales)] == gaps
