"""What a mail must satisfy beyond its types (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors)."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dev.simulators.contracts.loader import load_contract
from schemas.ports import Clock

_RULES: Mapping[str, Any] = load_contract("sendgrid_send")["rules"]
_LEAST_LIMIT = 9 * _RULES["recipients"]  # bytes; so many recipients need more, and so do the custom arguments
_RESERVED_HEADERS = frozenset(_RULES["reserved_headers"])
_MISSING_SUBJECT = (
    "The subject is required. You can get around this requirement if you use a template with a subject defined or if every"
    " personalization has a subject defined."
)
_MISSING_CONTENT = "Unless a valid template_id is provided, the content parameter is required, with at least one defined content block."
_DUPLICATE_RECIPIENT = "Each email address in the personalization block should be unique between to, cc, and bcc."


class BrokenRule(NamedTuple):
    """The field of the request and what is wrong with it."""

    field_path: str
    message: str


def find_broken_rule(mail: Any, body_size: int, clock: Clock) -> BrokenRule | None:
    """The first rule that the mail breaks; `body_size` in bytes.

    Most mails have none of the fields that there are rules about, and are smaller than the least limit: they are looked at briefly.
    """
    if not mail.template_id:
        if not mail.content:
            return BrokenRule("content", _MISSING_CONTENT)
        if not mail.subject and not all(personalization.subject for personalization in mail.personalizations):
            return BrokenRule("subject", _MISSING_SUBJECT)
    if len(mail.content) > 1 and (rule := _find_broken_content_rule(mail)):
        return rule
    is_large = body_size > _LEAST_LIMIT
    if is_large or mail.headers or mail.send_at is not None or mail.reply_to_list or mail.categories or mail.mail_settings is not None:
        rule = next(_list_broken_rules(mail, clock()), None)
        if rule:
            return rule
    for number, personalization in enumerate(mail.personalizations):
        if is_large or _has_rules(personalization):
            rule = next(_list_broken_personalization_rules(mail, number, clock()), None)
            if rule:
                return rule
    return None


def is_sandboxed(mail: Any) -> bool:
    """Whether the mail is checked and not sent (https://www.twilio.com/docs/sendgrid/for-developers/sending-email/sandbox-mode)."""
    settings = mail.mail_settings
    return settings is not None and settings.sandbox_mode is not None and settings.sandbox_mode.enable is True


def _has_rules(personalization: Any) -> bool:
    return bool(
        len(personalization.to) > 1
        or personalization.cc
        or personalization.bcc
        or personalization.headers
        or personalization.substitutions
        or personalization.send_at is not None
    )


def _find_broken_content_rule(mail: Any) -> BrokenRule | None:
    types = [content.type.strip().lower() for content in mail.content]
    ordered = sorted(types, key=lambda each: {"text/plain": 0, "text/html": 1}.get(each, 2))
    if types != ordered:
        return BrokenRule("content", "If present, text/plain and text/html may only be provided in that order, before other types.")
    return BrokenRule("content", "Each content type may be provided once.") if len(set(types)) < len(types) else None


def _list_broken_rules(mail: Any, now: float) -> Iterator[BrokenRule]:
    yield from _check_headers("headers", mail.headers)
    yield from _check_size("custom_args", mail.custom_args, _RULES["custom_args_bytes"])
    if mail.send_at is not None:
        yield from _check_send_at("send_at", mail.send_at, now)
    if mail.reply_to_list:
        yield from _check_reply_to_list(mail)
    if len(set(mail.categories)) < len(mail.categories):
        yield BrokenRule("categories", "Each category may be provided once.")
    if mail.mail_settings is not None:
        yield from _check_bypass(mail.mail_settings)
    if sum(len(each.to) + len(each.cc) + len(each.bcc) for each in mail.personalizations) > _RULES["recipients"]:
        yield BrokenRule("personalizations", f"There is a limit of {_RULES['recipients']} total recipients (to + cc + bcc) per request.")


def _list_broken_personalization_rules(mail: Any, number: int, now: float) -> Iterator[BrokenRule]:
    personalization, path = mail.personalizations[number], f"personalizations.{number}"
    if len(personalization.to) > 1 or personalization.cc or personalization.bcc:
        yield from _check_duplicates(path, personalization)
    yield from _check_size(f"{path}.custom_args", personalization.custom_args, _RULES["custom_args_bytes"])
    yield from _check_headers(f"{path}.headers", personalization.headers)
    if personalization.send_at is not None:
        yield from _check_send_at(f"{path}.send_at", personalization.send_at, now)
    if personalization.substitutions and mail.template_id.startswith("d-"):
        yield BrokenRule(f"{path}.substitutions", "Substitutions may not be used with dynamic templating.")
    yield from _check_size(f"{path}.substitutions", personalization.substitutions, _RULES["substitutions_bytes"])


def _check_duplicates(path: str, personalization: Any) -> Iterator[BrokenRule]:
    addresses = [person.email.lower() for person in (*personalization.to, *personalization.cc, *personalization.bcc)]
    if len(set(addresses)) < len(addresses):
        yield BrokenRule(path, _DUPLICATE_RECIPIENT)


def _check_size(path: str, values: Mapping[str, str], limit: int) -> Iterator[BrokenRule]:
    if sum(len(name.encode()) + len(value.encode()) for name, value in values.items()) > limit:
        yield BrokenRule(path, f"{path.rpartition('.')[2]} cannot exceed {limit:,} bytes.")


def _check_headers(path: str, headers: Mapping[str, str]) -> Iterator[BrokenRule]:
    for name, value in headers.items():
        if name.lower() in _RESERVED_HEADERS:
            yield BrokenRule(f"{path}.{name}", "The header is reserved and cannot be overridden.")
        if not name or not name.isascii() or not name.isprintable() or set(name) & set(" :") or "\n" in value or "\r" in value:
            yield BrokenRule(f"{path}.{name}", "The header is not valid.")


def _check_send_at(path: str, send_at: int, now: float) -> Iterator[BrokenRule]:
    if send_at > now + _RULES["schedule_seconds"]:
        yield BrokenRule(path, "The send_at parameter cannot be more than 72 hours in the future.")


def _check_reply_to_list(mail: Any) -> Iterator[BrokenRule]:
    if mail.reply_to is not None:
        yield BrokenRule("reply_to_list", "Either reply_to or reply_to_list can be used, but not both.")
    addresses = [person.email.lower() for person in mail.reply_to_list]
    if len(set(addresses)) < len(addresses):
        yield BrokenRule("reply_to_list", "Each address may be provided once.")


def _check_bypass(settings: Any) -> Iterator[BrokenRule]:
    enabled = [
        name for name in settings.__struct_fields__ if name.startswith("bypass_") and getattr(getattr(settings, name), "enable", False)
    ]
    if len(enabled) > 1 and _RULES["exclusive_bypass"] in enabled:
        yield BrokenRule("mail_settings", f"{_RULES['exclusive_bypass']} cannot be combined with other bypass settings.")
