"""What an e-mail has beside its text, as a rule and the version of a template say it.

The limits are those of SendGrid's mail/send (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send, limitations, and its
OpenAPI document tsg_mail_v3); SMTP has no smaller ones.
"""

from functools import lru_cache
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from schemas.canonical_json import encode_sorted

MAX_CATEGORIES = 10
MAX_CATEGORY_CHARACTERS = 255
MAX_COPIES = 20  # cc and bcc; SendGrid takes 1,000, and all of them get every e-mail of the rule
MAX_HEADERS = 20

Texts = Annotated[dict[str, str], Meta(max_length=MAX_HEADERS)]
Copies = Annotated[list[str], Meta(max_length=MAX_COPIES)]


class EmailOptions(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where answers go, further headers, and what SendGrid counts and reports by: categories and custom arguments.

    `cc` and `bcc` are only for rules: each address gets every e-mail of the rule.
    """

    reply_to: Annotated[str, Meta(max_length=320)] = ""
    headers: Texts = {}
    categories: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MAX_CATEGORY_CHARACTERS)]], Meta(max_length=MAX_CATEGORIES)
    ] = []
    custom_args: Annotated[dict[str, str], Meta(max_length=100)] = {}
    cc: Copies = []
    bcc: Copies = []


RECIPIENT_DIGEST = "recipient_digest"
"""The custom argument that tells the reports of a delivery from those of its copies, which have the same arguments."""

_decode = msgspec.json.Decoder(EmailOptions).decode


def encode_options(options: EmailOptions | None) -> str:
    """The options as they are stored; empty for none."""
    text = encode_sorted(options).decode() if options else "{}"
    return "" if text == "{}" else text


@lru_cache(4096)
def decode_options(text: str) -> EmailOptions | None:
    """The options that are stored; None for an empty text."""
    return _decode(text) if text else None


def compute_recipient_digest(address: str) -> str:
    """What names a recipient to a provider that has the address already, and to nobody who does not: 16 hex digits."""
    return sha256(address.lower().encode()).hexdigest()[:16]


def merge_options(template: EmailOptions | None, rule: EmailOptions | None) -> EmailOptions | None:
    """The options of an e-mail; where both say something, the rule counts. The categories of both are used, as far as there is room."""
    if template is None or rule is None:
        return template or rule
    categories = [*dict.fromkeys([*rule.categories, *template.categories])][:MAX_CATEGORIES]
    ours = {name.lower() for name in rule.headers}
    headers = {name: value for name, value in template.headers.items() if name.lower() not in ours} | rule.headers
    arguments = {**template.custom_args, **rule.custom_args}
    return EmailOptions(rule.reply_to or template.reply_to, headers, categories, arguments, rule.cc, rule.bcc)
