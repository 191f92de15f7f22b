"""Subject and text of an e-mail as SendGrid takes them."""

import re

import msgspec

from schemas.content import EmailContent

_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_TEXT_PART, _HTML_PART = b'{"type":"text/plain","value":%b}', b'{"type":"text/html","value":%b}'

_encode = msgspec.json.Encoder().encode


def replace_line_breaks(subject: str) -> str:
    """The subject without line breaks and control characters, which could end the header that it is in."""
    return subject if subject.isprintable() else _LINE_BREAKS.sub(" ", subject)


def encode_content(content: EmailContent) -> bytes:
    """The parts in the order that SendGrid requires, text before HTML; an empty part is left out."""
    if not content.html:
        return _TEXT_PART % _encode(content.text)
    html = _HTML_PART % _encode(content.html)
    return b"%b,%b" % (_TEXT_PART % _encode(content.text), html) if content.text else html
