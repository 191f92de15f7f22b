"""What a template renders to with given data, on each channel and in each locale; pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from agents.router.templates.cache import TemplateCache, TemplateFailure, build_variant_key
from agents.router.templates.channel_content import INVALID_VARIABLES, build_content
from agents.router.templates.message_extras import SAMPLE_EXTRAS
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.notification import Notification
from schemas.sms_segments import measure_sms
from schemas.template_versions import ContentPreview


def preview_template(
    templates: TemplateCache, name: str, data: Mapping[str, Any], locale: str | None = None, zone: str = ""
) -> list[ContentPreview]:
    """The content of each channel and variant in this locale, or in all locales of the template; in an empty zone, UTC."""
    violation = templates.find_violation(name, data)
    problem = f"{violation.problem} - at {violation.path}" if violation else ""
    return [
        ContentPreview(channel, one, reason=INVALID_VARIABLES, problem=problem, variant=variant)
        if problem
        else _preview_content(templates, name, variant, channel, one, data, zone)
        for channel, locales in _list_locales(templates, name).items()
        for one in (locales if locale is None else [locale])
        for variant in templates.list_variants(name, channel)
    ]


def _list_locales(templates: TemplateCache, name: str) -> dict[ChannelName, Iterable[str]]:
    published = {channel: templates.get_locales(name, channel) for channel in CHANNEL_NAMES}
    return {channel: sorted(locales) for channel, locales in published.items() if locales}


def _preview_content(
    templates: TemplateCache, name: str, variant: str, channel: ChannelName, locale: str, data: Mapping[str, Any], zone: str
) -> ContentPreview:
    notification = Notification("preview", name, data=dict(data))
    key = build_variant_key(name, variant)
    content = build_content(templates, key, channel, locale, notification, [], zone, extras=SAMPLE_EXTRAS)
    if isinstance(content, TemplateFailure):
        return ContentPreview(channel, locale, reason=content.reason, problem=content.error, variant=variant)
    values = msgspec.json.decode(content[0])
    # Herold asks Twilio for smart encoding (agents/providers/twilio.py)
    sms = measure_sms(values["text"], smart_encoding=True) if channel == "sms" else None
    return ContentPreview(channel, locale, values, len(content[0]), sms, variant=variant)
