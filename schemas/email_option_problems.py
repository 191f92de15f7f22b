"""What of the options of an e-mail the vendors do not take: addresses, names of headers and arguments, sizes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from schemas.addresses import InvalidAddress, normalize_email
from schemas.email_options import RECIPIENT_DIGEST, EmailOptions

MAX_CUSTOM_ARGS_BYTES = 10_000
OWN_CUSTOM_ARGS_BYTES = 200  # of the three that name the delivery and the attempt
MAX_HEADER_VALUE = 900  # a line of a message has at most 998 characters (RFC 5322, 2.1.1)

# what SendGrid's events have themselves, and Herold's (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event)
RESERVED_CUSTOM_ARGS: Final = frozenset(
    [
        *("asm_group_id", "attempt", "bounce_classification", "category", "email", "event", "ip", "marketing_campaign_id", "pool"),
        *("marketing_campaign_name", "newsletter", "reason", "response", "send_at", "sg_content_type", "sg_event_id", "sg_machine_open"),
        *("sg_message_id", "sg_template_id", "sg_template_name", "smtp-id", "status", "timestamp", "tls", "type", "unique_args", "url"),
        *("url_offset", "useragent", "delivery_id", "delivery_attempt", "redrive_count", RECIPIENT_DIGEST),
    ]
)
ALLOWED_HEADERS: Final = frozenset(
    [
        *("auto-submitted", "comments", "feedback-id", "importance", "keywords", "list-help", "list-id", "list-owner", "organization"),
        *("precedence", "priority", "sensitivity"),
    ]
)
"""In lower case. Beside them those that begin with X-, but the ones that SendGrid sets."""

_match_own_header = re.compile(r"x-(?!sg-|smtpapi$)[a-z0-9][a-z0-9-]{0,60}").fullmatch
_match_header_value = re.compile(rf"[!-~](?:[ -~]{{0,{MAX_HEADER_VALUE - 2}}}[!-~])?").fullmatch
_match_argument_name = re.compile(r"[A-Za-z0-9_.-]{1,100}").fullmatch


def find_option_problems(options: EmailOptions, *, is_of_rule: bool) -> Iterator[tuple[str, str]]:
    """The fields that could not be sent, as paths below the options, and why."""
    yield from _find_address_problems(options)
    if not is_of_rule:
        yield from ((field, "is only for rules, which say who gets their messages") for field in ("cc", "bcc") if getattr(options, field))
    yield from _find_header_problems(options.headers)
    for index, category in enumerate(options.categories):
        if category in options.categories[:index]:
            yield f"categories[{index}]", "is listed twice"
    yield from _find_argument_problems(options.custom_args)


def _find_address_problems(options: EmailOptions) -> Iterator[tuple[str, str]]:
    if options.reply_to and (problem := _find_address_problem(options.reply_to)):
        yield "reply_to", problem
    seen: dict[str, str] = {}
    for field, texts in (("cc", options.cc), ("bcc", options.bcc)):
        yield from _find_copy_problems(field, texts, seen)


def _find_copy_problems(field: str, texts: Sequence[str], seen: dict[str, str]) -> Iterator[tuple[str, str]]:
    for index, text in enumerate(texts):
        path = f"{field}[{index}]"
        if problem := _find_address_problem(text):
            yield path, problem
        elif (first := seen.setdefault(text.lower(), path)) != path:
            yield path, f"is the same address as {first}: SendGrid takes each address once"


def _find_address_problem(text: str) -> str:
    """Why this is sent to nobody as it stands; empty if it can be."""
    address = normalize_email(text)
    if isinstance(address, InvalidAddress):
        return address.problem
    return "" if address == text else f"must be in its normal form, {address}"


def _find_header_problems(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    names: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if lower not in ALLOWED_HEADERS and not _match_own_header(lower):
            yield f"headers.{name[:64]!r}", f"is none of {', '.join(sorted(ALLOWED_HEADERS))}, and does not begin with X-"
        elif lower in names:
            yield f"headers.{name}", "is given twice: names of headers are compared without case"
        if not _match_header_value(value):
            yield f"headers.{name[:64]}", f"must be printable ASCII of at most {MAX_HEADER_VALUE} characters, without a space at either end"
        names.add(lower)


def _find_argument_problems(arguments: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in arguments:
        if name.lower() in RESERVED_CUSTOM_ARGS:
            yield f"custom_args.{name}", "is a field that SendGrid's events have already, or one of Herold's"
        elif not _match_argument_name(name):
            yield f"custom_args.{name[:64]!r}", "must have letters, digits, underscores, dots or hyphens, at most 100"
    size = len(msgspec.json.encode(arguments))
    if size > MAX_CUSTOM_ARGS_BYTES - OWN_CUSTOM_ARGS_BYTES:
        yield "custom_args", f"has {size} bytes as JSON; with Herold's own, SendGrid takes {MAX_CUSTOM_ARGS_BYTES - OWN_CUSTOM_ARGS_BYTES}"
