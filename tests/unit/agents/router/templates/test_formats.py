"""Dates, numbers, money and plurals by locale and time zone."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError

from agents.router.templates.cache import CompiledTemplate, TemplateFailure, compile_template, render
from agents.router.templates.compiler import compile_part
from agents.router.templates.formats import CACHE_SIZE, Formats, select_formats
from schemas.content import SmsContent
from schemas.policy import Template


def render_text(source: str, locale: str, zone: str = "", template_locale: str = "", **data: Any) -> str:
    """The text, or the error."""
    compiled = compile_template(Template("t", 1, "sms", template_locale or locale, text=source))
    assert isinstance(compiled, CompiledTemplate)
    content = render(compiled, "sms", data, locale, zone)
    return content.error if isinstance(content, TemplateFailure) else content.text if isinstance(content, SmsContent) else ""


# the texts are those of CLDR: https://st.unicode.org and ICU's demos print the same
@pytest.mark.parametrize(
    ("source", "value", "locale", "text"),
    [
        ("{{ x|date }}", "2026-11-28", "en-US", "Nov 28, 2026"),
        ("{{ x|date('long') }}", "2026-11-28", "de-AT", "28. November 2026"),
        ("{{ x|date('EEEE, d. MMMM') }}", "2026-11-28", "de", "Samstag, 28. November"),
        ("{{ x|date('short') }}", 1795735800, "en-GB", "26/11/2026"),
        ("{{ x|datetime('short', zone='Asia/Kathmandu') }}", "2026-11-28T23:30:00Z", "de", "29.11.26, 05:15"),
        ("{{ x|time('short') }}", "2026-11-28T23:30:00+01:00", "fr", "22:30"),
        ("{{ x|number }} {{ x|number(2) }}", 1234567.5, "de", "1.234.567,5 1.234.567,50"),
        ("{{ x|number }}", 1234567, "en-IN", "12,34,567"),
        ("{{ x|money('EUR') }}", "1234.5", "fr", "1\u202f234,50\xa0€"),
        ("{{ x|money('JPY', minor=true) }}", 1250, "en", "¥1,250"),
        ("{{ x|money('EUR', minor=true) }}", 1250, "en", "€12.50"),
        ("{{ x|percent }} {{ x|percent(1) }}", 0.125, "en", "12% 12.5%"),
    ],
)
def test_values_print_by_the_rules_of_the_locale(source: str, value: object, locale: str, text: str) -> None:
    assert render_text(source, locale, x=value) == text


# https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html
@pytest.mark.parametrize(
    ("locale", "forms"),
    [
        ("en", {1: "one", 0: "other", 2: "other", 1.5: "other"}),
        ("fr", {0: "one", 1: "one", 2: "other"}),
        ("pl", {1: "one", 2: "few", 5: "many", 22: "few", 112: "many"}),
        ("ar", {0: "zero", 1: "one", 2: "two", 3: "few", 11: "many", 100: "other"}),
        ("ja", {1: "other", 5: "other"}),
    ],
)
def test_plurals_follow_the_rules_of_the_language(locale: str, forms: dict[float, str]) -> None:
    arguments = ", ".join(f"{form}='{form}'" for form in ("zero", "one", "two", "few", "many", "other"))
    assert {count: render_text(f"{{{{ n|plural({arguments}) }}}}", locale, n=count) for count in forms} == forms


def test_a_form_has_the_number_where_its_hash_is_and_other_is_the_last_resort() -> None:
    assert render_text("{{ n|plural(one='# item', other='# items') }}", "en", n=1200) == "1,200 items"
    assert render_text("{{ n|plural(one='1', other='# x') }}", "pl", n=3) == "3 x"
    assert render_text("{{ n|ordinal(one='#st', two='#nd', few='#rd', other='#th') }}", "en", n=22) == "22nd"


def test_in_html_a_form_is_escaped_once() -> None:
    compiled = compile_template(Template("t", 1, "email", "en", "s", "", "<p>{{ n|plural(one='<#>', other='# & more') }}</p>"))
    assert isinstance(compiled, CompiledTemplate)
    assert getattr(render(compiled, "email", {"n": 2}, "en"), "html", "") == "<p>2 &amp; more</p>"


@pytest.mark.parametrize(
    ("template_locale", "user_locale", "locale"),
    [
        ("de", "de-AT", "de_AT"),
        ("default", "en-GB", "en_GB"),
        ("default", "fr-FR", "en"),  # the text is in the language of the default, so its dates are too
        ("", "", "en"),
        ("zh-Hant", "zh-Hant-TW-x-private", "zh_Hant_TW"),
        ("tlh", "tlh", "en"),
        ("de", "de-@@", "de"),
    ],
)
def test_the_language_is_that_of_the_template_and_the_region_that_of_the_user(template_locale: str, user_locale: str, locale: str) -> None:
    assert select_formats(template_locale, user_locale, "en", "") == Formats(locale, "UTC")


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "/etc/passwd", "\0", "Europe"])
def test_an_unknown_zone_of_a_user_is_utc(zone: str) -> None:
    assert render_text("{{ x|time('HH:mm') }}", "en", zone, x="2026-07-01T12:00:00Z") == "12:00"


@given(zone=st.sampled_from(sorted(available_timezones() - {"localtime"})), seconds=st.integers(946684800, 4102444800))
def test_times_are_those_of_zoneinfo(zone: str, seconds: int) -> None:
    local = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone))
    assert render_text("{{ x|datetime('yyyy-MM-dd HH:mm:ss') }}|{{ x|date('yyyy-MM-dd') }}", "en", zone, x=seconds) == (
        f"{local:%Y-%m-%d %H:%M:%S}|{local:%Y-%m-%d}"
    )


@pytest.mark.parametrize(
    ("source", "value", "error"),
    [
        ("{{ x|date }}", "soon", "date needs a day or a time such as"),
        ("{{ x|time }}", "2026-11-28", "time needs a time such as"),
        ("{{ x|date }}", 1795735800000, "looks like milliseconds"),
        ("{{ x|date }}", True, "date needs a time"),
        ("{{ x|date('QQQQQQQQ') }}", "2026-11-28", "no pattern of CLDR"),
        ("{{ x|date(y) }}", "2026-11-28", "longer than 64 characters"),
        ("{{ x|date(zone='Mars/Base') }}", "2026-11-28T00:00:00Z", "no time zone 'Mars/Base'"),
        ("{{ x|money('euro') }}", 1, "code of a currency"),
        ("{{ x|money }}", 1, "code of a currency"),
        ("{{ x|number }}", "1e999999999", "ordinary size"),
        ("{{ x|number }}", 10**50, "ordinary size"),
        ("{{ x|number }}", "many", "ordinary size"),
        ("{{ x|number }}", [1], "number needs a number"),
        ("{{ x|number }}", None, "is null"),
        ("{{ absent|money('EUR') }}", 1, "'absent' is undefined"),
        ("{{ x|plural(other='#') }}", "many", "ordinary size"),
    ],
)
def test_a_value_that_cannot_be_formatted_is_named(source: str, value: object, error: str) -> None:
    assert error in render_text(source, "en", x=value, y="d" * 65)


@pytest.mark.parametrize("arguments", ["one='x'", "other=1", "other='x', some='y'", "'x', other='y'", "other=x", ""])
def test_forms_are_checked_when_the_template_is_compiled(arguments: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="takes a text for each of"):
        compile_part(f"{{{{ n|plural({arguments}) }}}}", "text", html=False)


def test_the_caches_are_bounded() -> None:
    for number in range(CACHE_SIZE + 10):
        select_formats("de", f"de-{number}", "en", "")
    assert select_formats.cache_info().currsize == CACHE_SIZE
