"""Renders recorded data with the published version of a template and with a new one, and compares both; pure.

All locales of the template are rendered, because the next user with such data may have another one. What a message takes is counted in the
locale of its user.
"""

from collections.abc import Iterator, Mapping, Sequence

from agents.router.templates.cache import TemplateCache, TemplateFailure
from agents.router.templates.preview import preview_template
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.template_payloads import ChannelUsage, PayloadFailure, PayloadReport, RecordedPayload
from schemas.template_versions import ContentPreview

MAX_FAILURES = 20  # kinds of them
MAX_IDS = 10  # of each kind

Previews = Mapping[tuple[ChannelName, str, str], ContentPreview]
"""By channel, locale and variant."""


def check_payloads(
    before: TemplateCache, after: TemplateCache, name: str, payloads: Sequence[RecordedPayload], costs: Mapping[ChannelName, float]
) -> PayloadReport:
    """Compare the versions of a template in two policies; `costs` are those of a message, or of a segment of an SMS."""
    failures: dict[tuple[ChannelName, str, str, str], list[str]] = {}
    failed = failed_before = 0
    messages: dict[ChannelName, list[tuple[ContentPreview | None, ContentPreview]]] = {}
    for payload in payloads:
        old, new = _preview(before, name, payload), _preview(after, name, payload)
        found = [one for one in new.values() if one.problem]
        is_new = [one for one in found if not ((known := _find_preview(old, *one.place)) and known.problem)]
        for one in is_new:
            failures.setdefault((one.channel, one.locale, one.reason, one.problem), []).append(payload.id)
        failed, failed_before = failed + bool(is_new), failed_before + bool(found and not is_new)
        for channel, pair in _pair_messages(before, after, name, payload, old, new):
            messages.setdefault(channel, []).append(pair)
    listed = [PayloadFailure(*kind, len(ids), ids[:MAX_IDS]) for kind, ids in failures.items()][:MAX_FAILURES]
    usage = [_sum_usage(channel, messages[channel], costs) for channel in CHANNEL_NAMES if channel in messages]
    return PayloadReport(len(payloads), failed, failed_before, listed, usage)


def _preview(templates: TemplateCache, name: str, payload: RecordedPayload) -> Previews:
    contents = preview_template(templates, name, payload.data, None, payload.time_zone)
    return {one.place: one for one in contents if one.channel in payload.channels}


def _pair_messages(
    before: TemplateCache, after: TemplateCache, name: str, payload: RecordedPayload, old: Previews, new: Previews
) -> Iterator[tuple[ChannelName, tuple[ContentPreview | None, ContentPreview]]]:
    """The message of each channel in the user's locale, with that of the published version if it has one; both must render."""
    for channel in payload.channels:
        old_content = _find_preview(old, channel, *_find_place(before, name, channel, payload))
        new_content = _find_preview(new, channel, *_find_place(after, name, channel, payload))
        if new_content and not new_content.problem and not (old_content and old_content.problem):
            yield channel, (old_content, new_content)


def _find_place(templates: TemplateCache, name: str, channel: ChannelName, payload: RecordedPayload) -> tuple[str, str]:
    """The locale of the template, and the variant, that the user of this notification gets."""
    key, label = templates.choose_variant(name, payload.user_id)
    template = templates.get(key, channel, payload.locale)
    return payload.locale if isinstance(template, TemplateFailure) else template.locale, label.partition("/")[2]


def _find_preview(previews: Previews, channel: ChannelName, locale: str, variant: str) -> ContentPreview | None:
    """A variant without parts of its own on a channel is the template itself there."""
    return previews.get((channel, locale, variant)) or previews.get((channel, locale, ""))


def _sum_usage(
    channel: ChannelName, pairs: Sequence[tuple[ContentPreview | None, ContentPreview]], costs: Mapping[ChannelName, float]
) -> ChannelUsage:
    totals = []
    for contents in ([old for old, _ in pairs if old], [new for _, new in pairs]):
        segments = sum(one.sms.segments for one in contents if one.sms)
        units = segments if channel == "sms" else len(contents)
        totals.append((sum(one.size for one in contents), segments, round(units * costs.get(channel, 0.0), 6)))
    (size_before, segments_before, cost_before), (size_after, segments_after, cost_after) = totals
    return ChannelUsage(channel, len(pairs), size_before, size_after, segments_before, segments_after, cost_before, cost_after)
