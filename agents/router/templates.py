"""Which template a notification gets, and what it renders to: per channel, by the locale chain `de-AT -> de -> default`."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import TemplateError, UndefinedError
from msgspec import Struct

from agents.router.parts import Part, compiled
from schemas.content import Content, EmailContent, PushContent, SmsContent
from schemas.rules import Template
from schemas.words import Channel, Reason

DEFAULT_LOCALES = ("default", "")
MAX_REMEMBERED = 10_000  # locales are the producers' words: there may be any number

_BREAKS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]+")

Render = Callable[[Mapping[str, Any]], Content]


class Failure(Struct, frozen=True):
    """Why a template did not render."""

    reason: Reason
    error: str


class Ready(Struct, frozen=True):
    """A template that renders, and its name as the decision trace shows it."""

    label: str
    render: Render


Compiled = dict[Template, Ready | Failure]


class Templates:
    """The published templates of one policy; each is compiled when it is first used, and kept as long as it does not change."""

    def __init__(self, templates: Iterable[Template], known: Compiled | None = None) -> None:
        self._published: dict[tuple[str, Channel, str], Template] = {}
        for template in sorted(templates, key=lambda template: template.version):
            self._published[template.name, template.channel, _plain(template.locale)] = template
        current = set(self._published.values())
        self.compiled: Compiled = {template: ready for template, ready in (known or {}).items() if template in current}
        self._chosen: dict[tuple[str, Channel, str], Ready | Failure] = {}

    def of(self, name: str, channel: Channel, locale: str) -> Ready | Failure:
        """The template for that locale or the nearest more general one."""
        key = name, channel, locale
        chosen = self._chosen.get(key)
        if chosen is None:
            if len(self._chosen) >= MAX_REMEMBERED:
                self._chosen.clear()
            chosen = self._chosen[key] = self._choose(name, channel, locale)
        return chosen

    def _choose(self, name: str, channel: Channel, locale: str) -> Ready | Failure:
        for candidate in chain(locale):
            if template := self._published.get((name, channel, candidate)):
                if template not in self.compiled:
                    self.compiled[template] = ready_of(template)
                return self.compiled[template]
        return Failure(Reason.UNKNOWN_TEMPLATE, f"no template `{name}` for {channel} in {' or '.join(filter(None, chain(locale)))}")


def chain(locale: str) -> list[str]:
    """The locales to look for: `de-AT`, `de`, `default`."""
    parts = _plain(locale).split("-") if locale else []
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)] + list(DEFAULT_LOCALES)


def _plain(locale: str) -> str:
    return locale.replace("_", "-").lower()


def ready_of(template: Template) -> Ready | Failure:
    """The template with its parts compiled, or why it cannot be."""
    label = f"{template.name}@{template.version} {template.locale or 'default'}"
    try:
        return Ready(label, _RENDERS[template.channel](template))
    except TemplateError as error:
        return Failure(Reason.TEMPLATE_ERROR, f"template {label} for {template.channel}: {error}")


def rendered(ready: Ready, channel: Channel, variables: Mapping[str, Any]) -> Content | Failure:
    """The content, or the variable that is missing, or what else is wrong: a template's expressions can fail in any way."""
    try:
        return ready.render(variables)
    except UndefinedError as error:
        return Failure(Reason.MISSING_VARIABLE, f"template {ready.label} for {channel}: {error}")
    except Exception as error:
        return Failure(Reason.TEMPLATE_ERROR, f"template {ready.label} for {channel}: {error or type(error).__name__}")


def _email(template: Template) -> Render:
    subject, text, html = _part(template, "subject"), _part(template, "text"), _part(template, "html")
    if not template.html:
        return lambda variables: EmailContent(_line(subject(variables)), text(variables))
    return lambda variables: EmailContent(_line(subject(variables)), text(variables), html(variables))


def _sms(template: Template) -> Render:
    text = _part(template, "text")
    return lambda variables: SmsContent(text(variables).strip())


def _push(template: Template) -> Render:
    title, body = _part(template, "subject"), _part(template, "text")
    return lambda variables: PushContent(_line(title(variables)), body(variables).strip())


def _no_webhook(template: Template) -> Render:
    raise TemplateError("a webhook is told type and data, not a template")


_RENDERS: dict[Channel, Callable[[Template], Render]] = {"email": _email, "sms": _sms, "push": _push, "webhook": _no_webhook}


def _part(template: Template, part: str) -> Part:
    return compiled(getattr(template, part), f"{template.name} {part}", html=part == "html")


def _line(text: str) -> str:
    """One line: a subject with a line break could end the header it is in."""
    return (text if text.isprintable() else _BREAKS.sub(" ", text)).strip()
