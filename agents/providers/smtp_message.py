"""An e-mail as a message of RFC 5322 and MIME (RFC 2045 to 2049), always the same for the same delivery, attempt and time.

Python's EmailMessage chooses random boundaries and encodes long words of a header, such as a link; so the parts are built one by one.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email import policy
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

from schemas.attachments import Attachment
from schemas.content import EmailContent

MAX_WORD_LINE = 75  # of an encoded word (RFC 2047, 2)
_BASE64_LINE = 76  # RFC 2045, 6.8
_POLICY = policy.compat32.clone(linesep="\r\n", max_line_length=76)
_CHARSET = Charset("utf-8")
_CHARSET.body_encoding = QP
_CHARSET.header_encoding = QP


def build_message(content: EmailContent, headers: Mapping[str, str], sender_name: str, sender: str, now: float, message_id: str) -> bytes:
    """The message. `headers` are of ASCII and begin it; the subject and the name of the sender are encoded; `now` is in epoch seconds."""
    message = _build_body(content, message_id)
    values = {
        "Date": format_datetime(datetime.fromtimestamp(int(now), UTC)),
        "From": f"{_encode_words(sender_name, 'From')} <{sender}>" if sender_name else sender,
        **headers,
        "Message-ID": f"<{message_id}>",
        "Subject": _encode_words(content.subject, "Subject"),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in values.items())
    return lines.encode("ascii") + message.as_bytes(policy=_POLICY)


def _encode_words(text: str, name: str) -> str:
    """The text of a header: as it is if it is short ASCII, else in encoded words (RFC 2047)."""
    if text.isascii() and text.isprintable() and len(text) <= MAX_WORD_LINE and not set(text) & set('"(),.:;<>@[\\]'):
        return text
    return Header(text, _CHARSET, maxlinelen=MAX_WORD_LINE, header_name=name).encode(linesep="\r\n")


def _build_body(content: EmailContent, message_id: str) -> Message:
    """Text and HTML as alternatives, pictures beside the HTML, and files after them (RFC 2046, 5.1; RFC 2387)."""
    texts = [_build_text(text, kind) for text, kind in ((content.text, "plain"), (content.html, "html")) if text]
    if content.html:
        pictures = [_build_file(one) for one in content.attachments if one.content_id]
        texts[-1] = _join("related", [texts[-1], *pictures], message_id)
    body = _join("alternative", texts, message_id)
    files = [_build_file(one) for one in content.attachments if not (one.content_id and content.html)]
    body = _join("mixed", [body, *files], message_id)
    body["MIME-Version"] = "1.0"
    return body


def _join(kind: str, parts: Sequence[Message], message_id: str) -> Message:
    """One part as it is, several in a container. Its boundary is in no encoded part, as neither quoted-printable nor base64 has `=_`."""
    if len(parts) == 1:
        return parts[0]
    container = MIMEMultipart(kind, boundary=f"=_{kind}_{message_id.partition('@')[0]}"[:70])
    del container["MIME-Version"]
    for part in parts:
        container.attach(part)
    return container


def _build_text(text: str, kind: str) -> Message:
    part = MIMEText(text, kind, _CHARSET)  # type: ignore[arg-type]  # a Charset may be given, too
    del part["MIME-Version"]
    return part


def _build_file(attachment: Attachment) -> Message:
    main_type, _, subtype = attachment.type.partition("/")
    part = MIMEBase(main_type, subtype)
    del part["MIME-Version"]
    disposition = "inline" if attachment.content_id else "attachment"
    is_ascii = attachment.filename.isascii()
    part.add_header("Content-Disposition", disposition, filename=attachment.filename if is_ascii else ("utf-8", "", attachment.filename))
    if attachment.content_id:
        part["Content-ID"] = f"<{attachment.content_id}>"
    part["Content-Transfer-Encoding"] = "base64"
    text = attachment.content
    part.set_payload("\n".join(text[start : start + _BASE64_LINE] for start in range(0, len(text), _BASE64_LINE)))
    return part
