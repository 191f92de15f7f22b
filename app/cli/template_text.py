"""The texts of `herold templates`; pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from app.cli.formatting import build_key_value_table, build_table, format_datetime
from app.cli.output import escape_control_characters
from schemas.enums import STATUS_RANK
from schemas.template_payloads import PayloadFailure

Body = Mapping[str, Any]


def format_list(templates: Sequence[Body]) -> RenderableType:
    """The templates of a list."""
    table = build_table("template", "published", "latest", "channels", "locales", "changed")
    for one in templates:
        published, latest = str(one["published_version"] or "-"), str(one["latest_version"])
        channels, locales = ", ".join(one["channels"]), ", ".join(one["locales"])
        table.add_row(one["name"], published, latest, channels, locales, format_datetime(one["updated_at"]))
    return table if templates else "no templates"


def format_history(history: Body) -> RenderableType:
    """The versions and publications of a template."""
    versions = build_table("version", "written", "by", "comment", title="Versions")
    for one in history["versions"]:
        mark = " (published)" if one["version"] == history["published_version"] else ""
        written = "" if one["created_at"] is None else format_datetime(one["created_at"])
        versions.add_row(f"{one['version']}{mark}", written, one["actor"], one["comment"])
    publications = build_table("when", "change", "version", "by", "comment", title="Publications")
    for one in history["publications"]:
        publications.add_row(
            format_datetime(one["occurred_at"]), one["change"].replace("_", " "), str(one["version"]), one["actor"], one["comment"]
        )
    return Group(versions, Text(), publications)


def format_variants(counts: Body) -> RenderableType:
    """The deliveries of each variant, with a column for each status."""
    if not counts["variants"]:
        return "the published version has no variants" if not counts["experiment"] else f"no deliveries of {counts['experiment']}"
    found = {status for one in counts["variants"] for statuses in one["deliveries"].values() for status in statuses}
    statuses = [status for status in STATUS_RANK if status in found]
    table = build_table("variant", "users", "channel", *statuses, title=f"Experiment {counts['experiment']}")
    for one in counts["variants"]:
        users = "-" if one["weight"] is None else f"{one['weight']} %"
        for channel, numbers in one["deliveries"].items() or [("", {})]:
            table.add_row(one["variant"], users, channel, *(str(numbers.get(status, 0)) for status in statuses))
    return table


def format_preview(contents: Sequence[Body]) -> RenderableType:
    """The content of each channel and locale; line breaks stay, and other control characters are escaped."""
    parts: list[RenderableType] = []
    for one in contents:
        sms, content = one.get("sms"), one.get("content") or {}
        values: dict[str, RenderableType] = {name: _to_text(value) for name, value in content.items() if name != "kind"}
        if sms:
            values["segments"] = f"{sms['segments']} ({sms['encoding']}, {sms['units']} units, {sms['free']} free)"
            values["forces UCS-2"] = _to_text(sms["forcing"])
        values["size"] = f"{one['size']} bytes" if content else ""
        values["problem"] = Text(f"{one['reason']}: {_to_text(one['problem'])}", "red") if one.get("problem") else ""
        variant = f", variant {one['variant']}" if one.get("variant") else ""
        parts += [Text(f"{one['channel']}, {one['locale']}{variant}", "bold"), build_key_value_table(values), Text()]
    return Group(*parts[:-1]) if parts else "the template has no channel"


def format_report(report: Body) -> RenderableType:
    """What publishing a version does."""
    parts: list[RenderableType] = [Text(problem, "red") for problem in report["problems"]]
    if report["changes"]:
        table = build_table("sample", "channel", "locale", "bytes", "segments")
        for one in report["changes"]:
            segments = _format_change(one["segments_before"], one["segments_after"]) if one["channel"] == "sms" else ""
            locale = f"{one['locale']} {one['variant']}" if one["variant"] else one["locale"]
            table.add_row(one["sample"], one["channel"], locale, _format_change(one["size_before"], one["size_after"]), segments)
        parts.append(table)
    parts += [Text(_describe_gap(gap), "yellow") for gap in report["gaps"]]
    if report["payloads"]:
        parts += _list_payload_parts(report["payloads"])
    return Group(*parts) if parts else "no samples to compare, and no gaps in the locales"


def _list_payload_parts(payloads: Body) -> list[RenderableType]:
    """What a version makes of recorded notifications."""
    if payloads["problem"]:
        return [Text(f"no recorded notifications were tried: {payloads['problem']}", "yellow")]
    lines = [f"{payloads['payloads']} recorded notifications were tried, {payloads['failed']} fail with this version only"]
    if payloads["failed_before"]:
        lines.append(f"{payloads['failed_before']} fail with the published version too")
    parts: list[RenderableType] = [Text("\n".join(lines))]
    failures = msgspec.convert(payloads["failures"], list[PayloadFailure])
    parts += [Text(_to_text(failure.describe()), "red") for failure in failures]
    if payloads["usage"]:
        table = build_table("channel", "messages", "bytes", "segments", "cost", title="Recorded notifications")
        for one in payloads["usage"]:
            segments = _format_change(one["segments_before"], one["segments_after"]) if one["channel"] == "sms" else ""
            cost = _format_change(one["cost_before"], one["cost_after"]) if one["cost_before"] or one["cost_after"] else ""
            size = _format_change(one["size_before"], one["size_after"])
            table.add_row(one["channel"], str(one["messages"]), size, segments, cost)
        parts.append(table)
    return parts


def _describe_gap(gap: Body) -> str:
    place = f"{gap['channel']} {gap['locale']}"
    if gap.get("missing_parts"):
        return f"{place}: has no {', '.join(gap['missing_parts'])}"
    return f"{place}: missing, its users get {gap['uses']}" if gap.get("uses") else f"{place}: missing, its users get nothing"


def _format_change(before: float, after: float) -> str:
    return f"{after:.12g}" if before == after else f"{before:.12g} -> {after:.12g}"


def _to_text(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode() if value else ""
    return "\n".join(map(escape_control_characters, text.split("\n")))
