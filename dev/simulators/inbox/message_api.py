"""The inbox as JSON, for programs: GET /messages lists what arrived, GET /messages/{number} has one with all that was sent."""

from itertools import islice
from typing import Final, Literal
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from dev.simulators.inbox.message_store import MAX_MESSAGES, MessageStore, StoredMessage
from dev.simulators.inbox.message_view import MessageView, build_view
from dev.simulators.protocol import ServerRequest, ServerResponse

PATH_PREFIX = b"/messages"
PAGE_SIZE: Final = 50
MAX_PREVIEW: Final = 300  # characters of a text in the list
SIGNATURE_HEADER: Final = b"webhook-signature"

Signature = Literal["none", "valid", "unchecked"]
"""Whether a webhook is signed. A wrong signature of a user in the URL is rejected, so that no such message arrives."""


class MessageItem(Struct, frozen=True):
    """One message in the list; `at` in epoch seconds, `text` up to MAX_PREVIEW characters, `delivery_id` empty if it has none."""

    number: int
    at: float
    channel: str
    recipient: str
    sender: str
    title: str
    text: str
    delivery_id: str
    status: int


class MessagePage(Struct, frozen=True):
    """Messages, the newest first; `next` is the number before which there are more, null if there are none."""

    items: list[MessageItem]
    next: int | None


class MessageField(Struct, frozen=True):
    """A header, or another part of a request, with its value."""

    name: str
    value: str


class MessageDetails(MessageItem, frozen=True):
    """One message with all of its text; `html` of an e-mail; `body` of a webhook, as it was signed; `details`: headers and the rest."""

    html: str
    image: str
    body: str
    signature: Signature
    details: list[MessageField]


class MessageApi:
    """Responds to requests whose path begins with PATH_PREFIX. `checks_signatures`: whether webhooks with a user in the URL are checked."""

    def __init__(self, store: MessageStore, *, checks_signatures: bool) -> None:
        self._store, self._checks_signatures = store, checks_signatures

    def handle_request(self, request: ServerRequest) -> ServerResponse:
        """The list, one message, or what is wrong with the request."""
        if request.method != b"GET":
            return ServerResponse(405, headers=b"Allow: GET\r\n")
        number = request.path.decode("latin-1").removeprefix("/messages").removeprefix("/")
        if not number:
            return self._list({name: values[-1] for name, values in parse_qs(request.query.decode("latin-1")).items()})
        message = self._store.find(int(number)) if number.isdecimal() and number.isascii() else None
        if message is None:
            return _respond(404, {"error": "this message is not kept any more"})
        return _respond(200, self._build_details(message))

    def _list(self, query: dict[str, str]) -> ServerResponse:
        for name in ("before", "limit"):
            if not query.get(name, "0").isdecimal():
                return _respond(400, {"error": f"{name} must be a whole number"})
        before, limit = int(query.get("before", 0)), min(MAX_MESSAGES, int(query.get("limit", PAGE_SIZE)) or PAGE_SIZE)
        channel, text = query.get("channel", ""), query.get("text", "").strip()
        pairs = ((message, build_view(message)) for message in self._store.list_newest() if not before or message.number < before)
        matching = (pair for pair in pairs if channel in ("", pair[1].channel) and (not text or pair[1].contains(text)))
        found = list(islice(matching, limit + 1))
        items = [_build_item(message, view) for message, view in found[:limit]]
        return _respond(200, MessagePage(items, items[-1].number if len(found) > limit else None))

    def _build_details(self, message: StoredMessage) -> MessageDetails:
        view, is_webhook = build_view(message), message.provider == "webhook"
        fields = {**msgspec.structs.asdict(_build_item(message, view)), "text": view.text}
        body = message.request.body.decode("utf-8", "replace") if is_webhook else ""
        details = [MessageField(name, value) for name, value in view.details]
        return MessageDetails(
            **fields, html=view.html, image=view.image, body=body, signature=self._find_signature(message), details=details
        )

    def _find_signature(self, message: StoredMessage) -> Signature:
        request = message.request
        if message.provider != "webhook" or SIGNATURE_HEADER not in request.headers:
            return "none"
        return "valid" if self._checks_signatures and parse_qs(request.query.decode("latin-1")).get("user") else "unchecked"


def _build_item(message: StoredMessage, view: MessageView) -> MessageItem:
    text = view.text[:MAX_PREVIEW]
    parts = view.channel, view.recipient, view.sender, view.title, text, view.delivery_id
    return MessageItem(message.number, message.at, *parts, message.status)


def _respond(status: int, value: object) -> ServerResponse:
    return ServerResponse(status, msgspec.json.encode(value))
