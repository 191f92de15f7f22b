"""Which template is taken, what it renders to, and what is kept."""

import pytest

from agents.router.templates.cache import (
    MAX_SELECTED,
    MISSING_VARIABLE,
    TEMPLATE_ERROR,
    CompiledTemplate,
    TemplateCache,
    TemplateFailure,
    build_locale_chain,
    compile_template,
    render,
)
from schemas.content import EmailContent, PushContent, SmsContent
from schemas.enums import Channel, Reason
from schemas.policy import Template


def template(locale: str = "default", version: int = 1, channel: Channel = "email", **parts: str) -> Template:
    return Template("t", version, channel, locale, **parts)


def said(templates: list[Template], locale: str) -> str:
    ready = TemplateCache(templates).get("t", "email", locale)
    return ready.label if isinstance(ready, CompiledTemplate) else ready.reason


@pytest.mark.parametrize(
    ("locale", "locales"),
    [("de-AT", ["de-at", "de"]), ("zh-Hant-TW", ["zh-hant-tw", "zh-hant", "zh"]), ("de_AT", ["de-at", "de"]), ("de", ["de"]), ("", [])],
)
def test_the_chain_goes_from_the_most_special_to_the_default(locale: str, locales: list[str]) -> None:
    assert build_locale_chain(locale) == [*locales, "default", ""]


@pytest.mark.parametrize(
    ("locale", "label"),
    [
        ("de-AT", "t@1 de-AT"),
        ("de-CH", "t@1 de"),
        ("DE_at", "t@1 de-AT"),
        ("fr", "t@1 default"),
        ("", "t@1 default"),
        ("x-", "t@1 default"),
    ],
)
def test_the_nearest_locale_is_taken(locale: str, label: str) -> None:
    assert said([template("default"), template("de"), template("de-AT")], locale) == label


def test_an_empty_locale_is_a_default_too() -> None:
    assert said([template("")], "de") == "t@1 default"


def test_without_a_default_other_locales_have_none() -> None:
    assert said([template("de")], "en") == "unknown_template"


def test_the_latest_version_is_in_force() -> None:
    assert said([template(version=2), template(version=10), template(version=9)], "") == "t@10 default"


def test_a_template_is_compiled_once_and_handed_on_if_it_did_not_change() -> None:
    old, new = template(text="a"), template("de", text="b")
    first = TemplateCache([old])
    ready = first.get("t", "email", "")
    second = TemplateCache([old, new], first.compiled)
    assert second.get("t", "email", "") is ready
    assert set(TemplateCache([new], second.compiled).compiled) <= {new}


def test_a_changed_source_is_compiled_anew_even_without_a_new_version() -> None:
    first = TemplateCache([template(text="a")])
    first.get("t", "email", "")
    ready = TemplateCache([template(text="b")], first.compiled).get("t", "email", "")
    assert isinstance(ready, CompiledTemplate)
    assert render(ready, "email", {}) == EmailContent("", "b")


def test_made_up_locales_do_not_fill_the_memory() -> None:
    templates = TemplateCache([template()])
    for number in range(MAX_SELECTED + 10):
        templates.get("t", "email", f"x{number}")
    assert len(templates._selected) <= MAX_SELECTED


@pytest.mark.parametrize(
    ("channel", "content"),
    [
        ("email", EmailContent("Hi <a> b", " t <a> b ", "<p>&lt;a&gt; b</p>")),
        ("sms", SmsContent("t <a> b")),
        ("push", PushContent("Hi <a> b", "t <a> b")),
    ],
)
def test_each_channel_has_its_content(channel: Channel, content: object) -> None:
    ready = compile_template(template(channel=channel, subject=" Hi {{ x }}\n", text=" t {{ x }} ", html="<p>{{ x }}</p>"))
    assert isinstance(ready, CompiledTemplate)
    assert render(ready, channel, {"x": "<a> b"}) == content


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\u2028", "\x00", "\x85", "\t"])
def test_a_subject_is_one_line(breaks: str) -> None:
    ready = compile_template(template(subject="Order {{ x }}"))
    assert isinstance(ready, CompiledTemplate)
    content = render(ready, "email", {"x": f"17{breaks}Bcc: all@example.org"})
    assert isinstance(content, EmailContent)
    assert content.subject == "Order 17 Bcc: all@example.org"


def test_a_subject_keeps_its_letters() -> None:
    ready = compile_template(template(subject="{{ x }}"))
    assert isinstance(ready, CompiledTemplate)
    assert render(ready, "email", {"x": "Größe 👩‍🚀 已"}) == EmailContent("Größe 👩‍🚀 已", "")


@pytest.mark.parametrize(
    ("source", "reason", "words"),
    [
        ("{{ order }}", MISSING_VARIABLE, ["t@1 default", "email", "'order' is undefined"]),
        ("{{ 1 // 0 }}", TEMPLATE_ERROR, ["t@1 default", "email", "zero"]),
        ("{{ 'x' * 9 }}", TEMPLATE_ERROR, ["t@1 default", "numbers"]),
        ("{{ long }}{{ long }}", TEMPLATE_ERROR, ["larger"]),
    ],
)
def test_a_failure_names_template_and_cause(source: str, reason: Reason, words: list[str]) -> None:
    ready = compile_template(template(text=source))
    assert isinstance(ready, CompiledTemplate)
    failure = render(ready, "email", {"long": "x" * 40_000})
    assert isinstance(failure, TemplateFailure)
    assert failure.reason is reason
    assert all(word in failure.error for word in words)


def test_a_template_that_is_none_fails_without_being_rendered() -> None:
    failure = compile_template(template(subject="{% set a = 1 %}"))
    assert isinstance(failure, TemplateFailure)
    assert failure.reason is TEMPLATE_ERROR
    assert "assign" in failure.error
