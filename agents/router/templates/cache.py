"""Which template a notification gets, and what it renders to: per channel, by the locale chain `de-AT -> de -> default`."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import TemplateError, UndefinedError
from msgspec import Struct

from agents.router.templates.compiler import CompiledPart, compile_part
from schemas.content import Content, EmailContent, PushContent, SmsContent
from schemas.enums import Channel
from schemas.policy import Template

UNKNOWN_TEMPLATE = "unknown_template"
MISSING_VARIABLE = "missing_variable"
TEMPLATE_ERROR = "template_error"

DEFAULT_LOCALES = ("default", "")
MAX_SELECTED = 10_000  # locales are the producers' words: there may be any number

_BREAKS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]+")

Render = Callable[[Mapping[str, Any]], Content]


class TemplateFailure(Struct, frozen=True):
    """Why a template did not render."""

    reason: str
    error: str


class CompiledTemplate(Struct, frozen=True):
    """A template that renders, and its name as the decision trace shows it."""

    label: str
    render: Render


CompiledTemplates = dict[Template, CompiledTemplate | TemplateFailure]


class TemplateCache:
    """The published templates of one policy; each is compiled when it is first used, and kept as long as it does not change."""

    def __init__(self, templates: Iterable[Template], known: CompiledTemplates | None = None) -> None:
        self._published: dict[tuple[str, Channel, str], Template] = {}
        for template in sorted(templates, key=lambda template: template.version):
            self._published[template.name, template.channel, _normalize_locale(template.locale)] = template
        current = set(self._published.values())
        self.compiled: CompiledTemplates = {template: ready for template, ready in (known or {}).items() if template in current}
        self._selected: dict[tuple[str, Channel, str], CompiledTemplate | TemplateFailure] = {}

    def get(self, name: str, channel: Channel, locale: str) -> CompiledTemplate | TemplateFailure:
        """The template for that locale or the nearest more general one."""
        key = name, channel, locale
        chosen = self._selected.get(key)
        if chosen is None:
            if len(self._selected) >= MAX_SELECTED:
                self._selected.clear()
            chosen = self._selected[key] = self._select(name, channel, locale)
        return chosen

    def _select(self, name: str, channel: Channel, locale: str) -> CompiledTemplate | TemplateFailure:
        for candidate in build_locale_chain(locale):
            if template := self._published.get((name, channel, candidate)):
                if template not in self.compiled:
                    self.compiled[template] = compile_template(template)
                return self.compiled[template]
        return TemplateFailure(
            UNKNOWN_TEMPLATE, f"no template `{name}` for {channel} in {' or '.join(filter(None, build_locale_chain(locale)))}"
        )


def build_locale_chain(locale: str) -> list[str]:
    """The locales to look for: `de-AT`, `de`, `default`."""
    parts = _normalize_locale(locale).split("-") if locale else []
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)] + list(DEFAULT_LOCALES)


def _normalize_locale(locale: str) -> str:
    return locale.replace("_", "-").lower()


def compile_template(template: Template) -> CompiledTemplate | TemplateFailure:
    """The template with its parts compiled, or why it cannot be."""
    label = f"{template.name}@{template.version} {template.locale or 'default'}"
    try:
        return CompiledTemplate(label, _RENDERS[template.channel](template))
    except TemplateError as error:
        return TemplateFailure(TEMPLATE_ERROR, f"template {label} for {template.channel}: {error}")


def render(ready: CompiledTemplate, channel: Channel, variables: Mapping[str, Any]) -> Content | TemplateFailure:
    """The content, or the variable that is missing, or what else is wrong: a template's expressions can fail in any way."""
    try:
        return ready.render(variables)
    except UndefinedError as error:
        return TemplateFailure(MISSING_VARIABLE, f"template {ready.label} for {channel}: {error}")
    except Exception as error:
        return TemplateFailure(TEMPLATE_ERROR, f"template {ready.label} for {channel}: {error or type(error).__name__}")


def _email(template: Template) -> Render:
    subject, text, html = _compile_part(template, "subject"), _compile_part(template, "text"), _compile_part(template, "html")
    if not template.html:
        return lambda variables: EmailContent(_to_single_line(subject(variables)), text(variables))
    return lambda variables: EmailContent(_to_single_line(subject(variables)), text(variables), html(variables))


def _sms(template: Template) -> Render:
    text = _compile_part(template, "text")
    return lambda variables: SmsContent(text(variables).strip())


def _push(template: Template) -> Render:
    title, body = _compile_part(template, "subject"), _compile_part(template, "text")
    return lambda variables: PushContent(_to_single_line(title(variables)), body(variables).strip())


def _no_webhook(template: Template) -> Render:
    raise TemplateError("a webhook is told type and data, not a template")


_RENDERS: dict[Channel, Callable[[Template], Render]] = {"email": _email, "sms": _sms, "push": _push, "webhook": _no_webhook}


def _compile_part(template: Template, part: str) -> CompiledPart:
    return compile_part(getattr(template, part), f"{template.name} {part}", html=part == "html")


def _to_single_line(text: str) -> str:
    """One line: a subject with a line break could end the header it is in."""
    return (text if text.isprintable() else _BREAKS.sub(" ", text)).strip()
