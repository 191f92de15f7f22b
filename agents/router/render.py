"""The render gate: what is said on each chosen channel, once; workers and retries send it as it is."""

import msgspec
from msgspec import Raw

from agents.router.case import Case, Desk, Ending, dead, passed
from agents.router.templates import Failure, rendered
from schemas.content import MAX_CONTENT_BYTES, WebhookContent
from schemas.words import Channel, Reason

GATE = "render"

_encode = msgspec.json.Encoder().encode


def gate(case: Case, desk: Desk) -> Ending | None:
    """Render every chosen channel, or declare the notification dead: a half of it would mislead."""
    case.contents, case.labels = contents, labels = [], []
    name = case.template = template_of(case)
    for channel in case.chosen:
        content, label = _content(case, desk, name, channel)
        if isinstance(content, Failure):
            return dead(GATE, content.reason, content.error, template=name, channel=channel)
        if len(content) > MAX_CONTENT_BYTES:
            error = f"{channel} content of {len(content)} bytes is larger than {MAX_CONTENT_BYTES}"
            return dead(GATE, Reason.CONTENT_TOO_LARGE, error, template=name, channel=channel)
        contents.append(Raw(content))
        labels.append(label)
    return None


def told(case: Case) -> Raw:
    """The step of a case that passed: which template each channel got."""
    return passed(GATE, "", dict(zip(case.chosen, case.labels, strict=True)))


def template_of(case: Case) -> str:
    """The template's name: the notification's, the rule's, or the type."""
    assert case.plan is not None
    return case.notification.template or case.plan.rule.template or case.notification.type


def _content(case: Case, desk: Desk, name: str, channel: Channel) -> tuple[bytes | Failure, str]:
    """The content as the JSON that goes into the delivery, and what it was made from."""
    notification = case.notification
    if channel == "webhook":
        return _encode(WebhookContent(notification.type, notification.data)), "data"
    ready = desk.book.templates.of(name, channel, case.locale)
    if isinstance(ready, Failure):
        return ready, ""
    content = rendered(ready, channel, notification.data)
    if isinstance(content, Failure):
        return content, ready.label
    try:
        return _encode(content), ready.label
    except UnicodeEncodeError as error:  # half a character can stand in an expression
        return Failure(Reason.TEMPLATE_ERROR, f"template {ready.label} for {channel}: {error}"), ready.label
