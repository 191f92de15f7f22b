"""The gate rendering: the content for each channel, rendered once; workers, retries and redrives send it as it is."""

import msgspec
from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.routing_state import GateContext, RoutingState
from agents.router.templates.cache import MISSING_VARIABLE, TEMPLATE_ERROR, UNKNOWN_TEMPLATE, TemplateFailure, render
from agents.router.verdict import PASS, Verdict, build_dead_letter_verdict
from schemas.channels import CHANNELS, ChannelName
from schemas.content import MAX_CONTENT_BYTES

NAME = "rendering"
CONTENT_TOO_LARGE = "content_too_large"

_CONTENT_BUILDERS = {channel.name: channel.build_content for channel in CHANNELS if channel.build_content is not None}
_encode = msgspec.json.Encoder().encode


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Render every channel, or declare the notification dead: a part of it would mislead."""
    state.contents, state.template_labels = contents, labels = [], []
    name = state.template_name = select_template(state)
    for channel in state.channels:
        content, label = _render_channel(state, context, name, channel)
        if isinstance(content, TemplateFailure):
            return build_dead_letter_verdict(content.reason, content.error, template=name, channel=channel)
        if len(content) > MAX_CONTENT_BYTES:
            error = f"{channel} content of {len(content)} bytes is larger than {MAX_CONTENT_BYTES}"
            return build_dead_letter_verdict(CONTENT_TOO_LARGE, error, template=name, channel=channel)
        contents.append(Raw(content))
        labels.append(label)
    return PASS


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the template of each channel."""
    return encode_pass(NAME, "", dict(zip(state.channels, state.template_labels, strict=True)))


GATE = Gate(
    NAME,
    check,
    explain,
    reasons={
        UNKNOWN_TEMPLATE: "there is no such template",
        MISSING_VARIABLE: "the template needs a variable that its data does not have",
        TEMPLATE_ERROR: "the template could not be rendered",
        CONTENT_TOO_LARGE: "the rendered content is larger than 64 KiB",
    },
)


def select_template(state: RoutingState) -> str:
    """The template's name: the notification's, the rule's, or the type."""
    assert state.plan is not None
    return state.notification.template or state.plan.rule.template or state.notification.type


def _render_channel(state: RoutingState, context: GateContext, name: str, channel: ChannelName) -> tuple[bytes | TemplateFailure, str]:
    """The content as JSON, as it stands in the delivery, and the label of its template."""
    notification = state.notification
    build_content = _CONTENT_BUILDERS.get(channel)
    if build_content is not None:
        return _encode(build_content(notification.type, notification.data)), "data"
    template = context.policy.templates.get(name, channel, state.locale)
    if isinstance(template, TemplateFailure):
        return template, ""
    content = render(template, channel, notification.data)
    if isinstance(content, TemplateFailure):
        return content, template.label
    try:
        return _encode(content), template.label
    except UnicodeEncodeError:  # an expression can give half a surrogate pair
        error = f"template {template.label} for {channel}: it renders to half a surrogate pair"
        return TemplateFailure(TEMPLATE_ERROR, error), template.label
