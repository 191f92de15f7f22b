"""The gate rendering: the content for each channel, rendered once; workers, retries and redrives send it as it is."""

from msgspec import Raw
from msgspec.structs import replace

from agents.router.digests import build_digest_data
from agents.router.gates.gate import Gate, encode_pass
from agents.router.routing_state import GateContext, RoutingState
from agents.router.templates.cache import MISSING_VARIABLE, TEMPLATE_ERROR, UNKNOWN_TEMPLATE, TemplateFailure
from agents.router.templates.channel_content import CONTENT_TOO_LARGE, INVALID_VARIABLES, build_content, select_template
from agents.router.templates.link_variables import LinkSource
from agents.router.templates.message_extras import NO_EXTRAS, MessageExtras
from agents.router.verdict import PASS, Verdict, build_dead_letter_verdict
from schemas.content_limits import BLANK_CONTENT, PROVIDER_LIMIT
from schemas.email_options import EmailOptions
from schemas.message_links import LinkBuilder

NAME = "rendering"
VARIANT = "variant"


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Render every channel, or declare the notification dead: a part of it would mislead."""
    assert state.plan is not None
    state.contents, state.template_labels = contents, labels = [], []
    notification = state.notification
    if state.plan.rule.digest is not None and not state.is_digest:  # alone, it is a digest of one
        notification = replace(notification, data=build_digest_data(notification.data, [notification.data]))
    templates, locale, zone = context.policy.templates, state.locale, state.time_zone
    name = state.template_name = select_template(notification, state.plan.rule)
    if (violation := templates.find_violation(name, notification.data)) is not None:
        error = f"template {name}: {violation.problem} - at {violation.path}"
        return build_dead_letter_verdict(INVALID_VARIABLES, error, template=name, path=violation.path)
    key, state.variant = templates.choose_variant(name, notification.user_id) if templates.experiments else (name, "")
    state.at_most_once = name in templates.at_most_once
    options = context.policy.get_email_options(state.plan.rule, name)
    has_extras = options is not None or context.link_builder is not None
    extras = _build_extras(state, context.link_builder, options) if has_extras else NO_EXTRAS
    for channel in state.channels:
        content = build_content(templates, key, channel, locale, notification, state.addresses[channel], zone, extras)
        if isinstance(content, TemplateFailure):
            return build_dead_letter_verdict(content.reason, content.error, template=name, channel=channel)
        contents.append(Raw(content[0]))
        labels.append(content[1])
    return PASS


def _build_extras(state: RoutingState, builder: LinkBuilder | None, options: EmailOptions | None) -> MessageExtras:
    assert state.plan is not None
    if builder is None:
        return MessageExtras(None, options)
    rule, user_id = state.plan.rule, state.notification.user_id
    is_optional = state.consent != "none" and not rule.mandatory
    links = LinkSource(builder, user_id, state.notification.category or rule.category, state.id, is_optional)
    return MessageExtras(links, options)


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the template of each channel, and the variant if there are several."""
    inputs: dict[str, str] = dict(zip(state.channels, state.template_labels, strict=True))
    return encode_pass(NAME, "", {**inputs, VARIANT: state.variant} if state.variant else inputs)


GATE = Gate(
    NAME,
    check,
    explain,
    reasons={
        UNKNOWN_TEMPLATE: "there is no such template",
        MISSING_VARIABLE: "the template needs a variable that its data does not have",
        INVALID_VARIABLES: "its data is not what the template declares",
        TEMPLATE_ERROR: "the template could not be rendered",
        BLANK_CONTENT: "a part of the message that must not be blank is blank",
        PROVIDER_LIMIT: "the provider does not take such a message: a part is too long, or a name is reserved",
        CONTENT_TOO_LARGE: "the rendered content is larger than 64 KiB",
    },
    remedies={
        UNKNOWN_TEMPLATE: "the template {template!r} would have to have a published version for {channel:word}",
        MISSING_VARIABLE: "the producer would have to give the variable in `data`, or the template to do without it",
        INVALID_VARIABLES: "the producer would have to give at {path} what the template {template!r} declares",
        TEMPLATE_ERROR: "the template {template!r} would have to render with this data",
        BLANK_CONTENT: "the template {template!r} would have to give text with this data",
        PROVIDER_LIMIT: "the template or the data would have to be shorter, or without the reserved name",
        CONTENT_TOO_LARGE: "the template or the data would have to be shorter",
    },
)
