"""What a person wants to see of an accepted request: channel, recipient, text. The requests are valid; their values may be anything."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from dev.simulators.inbox.message_store import StoredMessage

MAX_SHOWN_RECIPIENTS = 5
CHANNELS = {"sendgrid": "email", "twilio": "sms", "fcm": "push", "webhook": "webhook"}


class MessageView(NamedTuple):
    """One message as it is shown; `details` are further names and values. `html`: of an e-mail, for a frame of its own.

    `delivery_id`: empty if the request has none.
    """

    number: int
    channel: str
    at: float
    recipient: str
    sender: str = ""
    title: str = ""
    text: str = ""
    html: str = ""
    image: str = ""
    details: Sequence[tuple[str, str]] = ()
    delivery_id: str = ""

    def contains(self, text: str) -> bool:
        """Whether the text occurs in what is shown, in any case."""
        parts = (self.recipient, self.sender, self.title, self.text, self.html, *(value for _, value in self.details))
        return any(text.lower() in part.lower() for part in parts)


def build_view(message: StoredMessage) -> MessageView:
    """The view of a message."""
    builders = {"sendgrid": _view_mail, "twilio": _view_sms, "fcm": _view_push, "webhook": _view_webhook}
    view = MessageView(message.number, CHANNELS[message.provider], message.at, "")
    return builders[message.provider](view, message)


def _view_mail(view: MessageView, message: StoredMessage) -> MessageView:
    mail: Any = msgspec.json.decode(message.request.body)
    own = mail["personalizations"][message.recipient]
    recipients = [person["email"] for name in ("to", "cc", "bcc") for person in own.get(name) or ()]
    parts = {part["type"]: part["value"] for part in mail.get("content") or ()}
    details = [(name, _format(mail[name])) for name in ("reply_to", "headers", "categories", "template_id", "send_at") if mail.get(name)]
    details += [(name, _format(own[name])) for name in ("headers", "custom_args", "dynamic_template_data") if own.get(name)]
    details += [("attachment", str(part.get("filename"))) for part in mail.get("attachments") or ()]
    return view._replace(
        recipient=_join_recipients(recipients),
        sender=_format_person(mail["from"]),
        title=str(own.get("subject") or mail.get("subject") or ""),
        text=str(parts.get("text/plain", "")),
        html=str(parts.get("text/html", "")),
        details=details,
        delivery_id=str((own.get("custom_args") or {}).get("delivery_id", "")),
    )


def _view_sms(view: MessageView, message: StoredMessage) -> MessageView:
    form = dict(parse_qsl(message.request.body.decode("utf-8", "replace"), keep_blank_values=True))
    shown = ("To", "From", "MessagingServiceSid", "Body")
    return view._replace(
        recipient=form.get("To", ""),
        sender=form.get("From") or form.get("MessagingServiceSid", ""),
        text=form.get("Body", ""),
        details=[(name, value) for name, value in form.items() if name not in shown],
        delivery_id=dict(parse_qsl(form.get("StatusCallback", "").partition("?")[2].partition("#")[0])).get("delivery", ""),
    )


def _view_push(view: MessageView, message: StoredMessage) -> MessageView:
    push: Any = msgspec.json.decode(message.request.body)["message"]
    notification: Mapping[str, Any] = push.get("notification") or {}
    recipients = (f"{name}: {push[name]}" for name in ("token", "fid", "topic", "condition") if push.get(name))
    return view._replace(
        recipient=next(recipients, ""),
        title=str(notification.get("title") or ""),
        text=str(notification.get("body") or ""),
        image=str(notification.get("image") or ""),
        details=[(name, _format(push[name])) for name in ("data", "android", "apns", "webpush", "fcm_options") if push.get(name)],
        delivery_id=str((push.get("data") or {}).get("delivery_id", "")),
    )


def _view_webhook(view: MessageView, message: StoredMessage) -> MessageView:
    request = message.request
    query = f"?{request.query.decode('latin-1')}" if request.query else ""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.items()]
    host = request.headers.get(b"host", b"").decode("latin-1")
    return view._replace(
        recipient=f"{host}{request.path.decode('latin-1')}{query}",
        text=_format_body(request.body),
        details=headers,
        delivery_id=request.headers.get(b"webhook-id", b"").decode("latin-1"),
    )


def _format_body(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")


def _format(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _format_person(person: Mapping[str, Any]) -> str:
    return f"{person['name']} <{person['email']}>" if person.get("name") else str(person["email"])


def _join_recipients(recipients: Sequence[str]) -> str:
    more = len(recipients) - MAX_SHOWN_RECIPIENTS
    shown = ", ".join(recipients[:MAX_SHOWN_RECIPIENTS])
    return f"{shown} and {more} more" if more > 0 else shown
