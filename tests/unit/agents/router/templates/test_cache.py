"""Which template is selected, what it renders to, and what stays in the cache."""

import pytest

from agents.router.templates.cache import (
    MAX_SELECTED,
    MISSING_VARIABLE,
    TEMPLATE_ERROR,
    CompiledTemplate,
    TemplateCache,
    TemplateFailure,
    compile_template,
    render,
)
from agents.router.templates.locales import build_locale_chain
from schemas.channels import ChannelName
from schemas.content import EmailContent, PushContent, SmsContent
from schemas.enums import Reason
from schemas.policy import Partial, Template


def build_template(locale: str = "default", version: int = 1, channel: ChannelName = "email", **parts: str) -> Template:
    return Template("t", version, channel, locale, **parts)


def get_label_or_reason(templates: list[Template], locale: str) -> str:
    compiled = TemplateCache(templates).get("t", "email", locale)
    return compiled.label if isinstance(compiled, CompiledTemplate) else compiled.reason


@pytest.mark.parametrize(
    ("locale", "locales"),
    [("de-AT", ["de-at", "de"]), ("zh-Hant-TW", ["zh-hant-tw", "zh-hant", "zh"]), ("de_AT", ["de-at", "de"]), ("de", ["de"]), ("", [])],
)
def test_the_chain_goes_from_the_most_specific_locale_to_the_default(locale: str, locales: list[str]) -> None:
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
def test_the_nearest_locale_is_selected(locale: str, label: str) -> None:
    assert get_label_or_reason([build_template("default"), build_template("de"), build_template("de-AT")], locale) == label


def test_an_empty_locale_is_a_default_too() -> None:
    assert get_label_or_reason([build_template("")], "de") == "t@1 default"


def test_without_a_default_other_locales_have_none() -> None:
    assert get_label_or_reason([build_template("de")], "en") == "unknown_template"


def test_the_latest_version_is_used() -> None:
    assert get_label_or_reason([build_template(version=2), build_template(version=10), build_template(version=9)], "") == "t@10 default"


def test_a_template_is_compiled_once_and_kept_while_it_does_not_change() -> None:
    old, new = build_template(text="a"), build_template("de", text="b")
    first = TemplateCache([old])
    compiled = first.get("t", "email", "")
    second = TemplateCache([old, new], first)
    assert second.get("t", "email", "") is compiled
    assert set(TemplateCache([new], second).compiled) <= {new}


def test_a_changed_partial_is_used_by_a_template_that_has_not_changed() -> None:
    template = build_template(channel="sms", text="{% include 'f' %}")
    texts = []
    cache = None
    for text in ("a", "b"):
        cache = TemplateCache([template], cache, partials=[Partial("f", "default", text)])
        compiled = cache.get("t", "sms", "")
        assert isinstance(compiled, CompiledTemplate)
        texts.append(render(compiled, "sms", {}))
    assert texts == [SmsContent("a"), SmsContent("b")]


def test_a_changed_source_is_compiled_again_even_without_a_new_version() -> None:
    first = TemplateCache([build_template(text="a")])
    first.get("t", "email", "")
    compiled = TemplateCache([build_template(text="b")], first).get("t", "email", "")
    assert isinstance(compiled, CompiledTemplate)
    assert render(compiled, "email", {}) == EmailContent("", "b")


def test_the_number_of_selected_templates_is_bounded() -> None:
    templates = TemplateCache([build_template()])
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
def test_each_channel_has_its_content(channel: ChannelName, content: object) -> None:
    compiled = compile_template(build_template(channel=channel, subject=" Hi {{ x }}\n", text=" t {{ x }} ", html="<p>{{ x }}</p>"))
    assert isinstance(compiled, CompiledTemplate)
    assert render(compiled, channel, {"x": "<a> b"}) == content


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\u2028", "\x00", "\x85", "\t"])
def test_a_subject_is_one_line(breaks: str) -> None:
    compiled = compile_template(build_template(subject="Order {{ x }}"))
    assert isinstance(compiled, CompiledTemplate)
    content = render(compiled, "email", {"x": f"17{breaks}Bcc: all@example.org"})
    assert isinstance(content, EmailContent)
    assert content.subject == "Order 17 Bcc: all@example.org"


def test_a_subject_keeps_its_characters() -> None:
    compiled = compile_template(build_template(subject="{{ x }}"))
    assert isinstance(compiled, CompiledTemplate)
    assert render(compiled, "email", {"x": "Größe 👩‍🚀 已"}) == EmailContent("Größe 👩‍🚀 已", "")


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
    compiled = compile_template(build_template(text=source))
    assert isinstance(compiled, CompiledTemplate)
    failure = render(compiled, "email", {"long": "x" * 40_000})
    assert isinstance(failure, TemplateFailure)
    assert failure.reason is reason
    assert all(word in failure.error for word in words)


def test_an_invalid_template_fails_without_being_rendered() -> None:
    failure = compile_template(build_template(subject="{% set a = 1 %}"))
    assert isinstance(failure, TemplateFailure)
    assert failure.reason is TEMPLATE_ERROR
    assert "assign" in failure.error
