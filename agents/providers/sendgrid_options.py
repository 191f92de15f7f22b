"""The parts of a mail/send body that most e-mails do not have: headers, copies, answers, categories, arguments, attachments.

Source: SendGrid's OpenAPI document tsg_mail_v3, POST /v3/mail/send. A part is bytes to be put into a JSON object after another member.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from schemas.addresses import build_comparison_key
from schemas.attachments import Attachment
from schemas.content import EmailContent
from schemas.email_options import RECIPIENT_DIGEST, compute_recipient_digest

_encode = msgspec.json.Encoder().encode

ONE_CLICK = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}  # RFC 8058, 3.1


class MailParts(NamedTuple):
    """The further members of the personalization, of its custom_args, and of the mail."""

    personalization: bytes = b""
    custom_args: bytes = b""
    mail: bytes = b""


NO_PARTS = MailParts()


def encode_parts(content: EmailContent, address: str) -> MailParts:
    """The parts of an e-mail to an address. SendGrid takes each address once, so a copy to the recipient is left out."""
    options, mail = content.options, encode_headers(content) + encode_shared_parts(content)
    if options is None:
        return MailParts(mail=mail)
    seen = {build_comparison_key("email", address)}
    copies = [(name, _build_copies(texts, seen)) for name, texts in (("cc", options.cc), ("bcc", options.bcc))]
    personalization = b"".join(_encode_member(name, found) for name, found in copies if found)
    digest = {RECIPIENT_DIGEST: compute_recipient_digest(address)} if personalization else {}
    custom_args = {**options.custom_args, **digest}
    arguments = b"," + _encode(custom_args)[1:-1] if custom_args else b""
    return MailParts(personalization, arguments, mail)


def encode_headers(content: EmailContent) -> bytes:
    """The further headers, for the mail or for a personalization."""
    headers = _build_headers(content)
    return _encode_member("headers", headers) if headers else b""


def encode_shared_parts(content: EmailContent) -> bytes:
    """The parts that all recipients of a mail have: attachments, where answers go, categories."""
    options, parts = content.options, b""
    if content.attachments:
        parts += _encode_member("attachments", [_build_attachment(one) for one in content.attachments])
    if options is not None and options.reply_to:
        parts += _encode_member("reply_to", {"email": options.reply_to})
    if options is not None and options.categories:
        parts += _encode_member("categories", options.categories)
    return parts


def _encode_member(name: str, value: object) -> bytes:
    return b',"%b":%b' % (name.encode(), _encode(value))


def _build_headers(content: EmailContent) -> Mapping[str, str]:
    own = {"List-Unsubscribe": content.list_unsubscribe, **ONE_CLICK} if content.list_unsubscribe else {}
    return {**content.options.headers, **own} if content.options else own


def _build_copies(texts: Iterable[str], seen: set[str]) -> list[dict[str, str]]:
    """The addresses that are not `seen` yet."""
    copies = []
    for text in texts:
        key = build_comparison_key("email", text)
        if key not in seen:
            seen.add(key)
            copies.append({"email": text})
    return copies


def _build_attachment(attachment: Attachment) -> dict[str, str]:
    parts = {"content": attachment.content, "filename": attachment.filename, "type": attachment.type}
    if attachment.content_id:
        return {**parts, "disposition": "inline", "content_id": attachment.content_id}
    return {**parts, "disposition": "attachment"}
