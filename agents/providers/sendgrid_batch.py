"""Several e-mails with one content as one mail/send call: a personalization for each.

Source: SendGrid's OpenAPI document tsg_mail_v3. A personalization has recipients, subject, headers, custom_args and the data of a template
of its own; the contents are those of the call. Its limits are 1,000 personalizations and 1,000 recipients. Substitutions, which would
change the text for each recipient, are not used: a text can contain what looks like their tag.
"""

from collections.abc import Hashable, Sequence

import msgspec

from agents.providers.sendgrid_content import encode_content, replace_line_breaks
from agents.providers.sendgrid_options import encode_headers, encode_shared_parts
from schemas.addresses import normalize_email
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.outcome import NumberedDelivery

KEY_CHARACTERS = 80  # at each end: there are a name and a link to unsubscribe, and all of the text takes as long as to encode it

_PERSONALIZATION = (
    b'{"to":[{"email":%b}]%b%b%b,"custom_args":{"delivery_id":%b,"delivery_attempt":"%d","redrive_count":"%d"%b}}'  # subject, headers, data
)
_MAIL = b'{"personalizations":[%b],"from":%b,"subject":%b,"content":[%b]%b}'
_TEMPLATE_MAIL = b'{"personalizations":[%b],"from":%b,"template_id":%b%b}'

_encode = msgspec.json.Encoder().encode


def get_batch_key(delivery: Delivery) -> Hashable | None:
    """A part of the contents; None for an e-mail with copies, because a call takes each address once."""
    content = delivery.content
    if type(content) is not EmailContent or (content.options is not None and (content.options.cc or content.options.bcc)):
        return None
    text = content.html or content.text
    return len(text), text[:KEY_CHARACTERS], text[-KEY_CHARACTERS:], content.template_id


def has_same_content(first: Delivery, other: Delivery) -> bool:
    """Whether all is the same but the subject, the recipient, the link to unsubscribe and the data of SendGrid's own template."""
    one, two = first.content, other.content
    assert isinstance(one, EmailContent)
    assert isinstance(two, EmailContent)
    return (
        one.text == two.text
        and one.html == two.html
        and one.template_id == two.template_id
        and one.options == two.options
        and one.attachments == two.attachments
    )


def encode_batch(deliveries: Sequence[NumberedDelivery], sender: bytes, settings: bytes) -> bytes | None:
    """The body of a call; None if one of the addresses is none, which the call for that one alone tells."""
    content = deliveries[0].delivery.content
    assert isinstance(content, EmailContent)
    if any(normalize_email(one.delivery.address) != one.delivery.address for one in deliveries):
        return None
    arguments = b"," + _encode(content.options.custom_args)[1:-1] if content.options is not None and content.options.custom_args else b""
    subject = replace_line_breaks(content.subject)
    persons = b",".join([_encode_personalization(*one, subject, arguments) for one in deliveries])
    tail = encode_shared_parts(content) + settings
    if content.template_id:
        return _TEMPLATE_MAIL % (persons, sender, _encode(content.template_id), tail)
    return _MAIL % (persons, sender, _encode(subject), encode_content(content), tail)


def _encode_personalization(delivery: Delivery, attempt: int, subject: str, arguments: bytes) -> bytes:
    """The headers are complete: the document does not say that those of the mail are added to them."""
    content = delivery.content
    assert isinstance(content, EmailContent)
    own_subject = replace_line_breaks(content.subject)
    return _PERSONALIZATION % (
        _encode(delivery.address),
        b"" if own_subject == subject else b',"subject":%b' % _encode(own_subject),
        encode_headers(content) if content.list_unsubscribe or content.options is not None else b"",
        b',"dynamic_template_data":%b' % _encode(content.data) if content.template_id else b"",
        _encode(delivery.id),
        attempt,
        delivery.redrive_count,
        arguments,
    )
