"""Twilio's list of messages (twilio.com/docs/messaging/api/message-resource, "Read multiple Message resources"): those it accepted."""

from collections import deque
from datetime import datetime
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from dev.simulators.protocol import ServerResponse

MAX_MESSAGES = 10_000  # remembered, the newest ones
MAX_PAGE_SIZE = 1000
DEFAULT_PAGE_SIZE = 50
SECONDS_UNTIL_SENT = 1.0


class MessageQuery(NamedTuple):
    """The question of a GET: a number, empty for all, the earliest time in epoch seconds, 0 for any, and the most messages."""

    path: str
    to: str
    sent_after: float
    page_size: int


class AcceptedMessage(NamedTuple):
    """A message that was accepted: when, to whom, and the encoded resource of the response."""

    at: float
    to: str
    resource: bytes


class MessageList:
    """The newest messages that were accepted."""

    def __init__(self) -> None:
        self._messages: deque[AcceptedMessage] = deque(maxlen=MAX_MESSAGES)

    def add(self, at: float, to: str, resource: bytes) -> None:
        """Remember a message."""
        self._messages.append(AcceptedMessage(at, to, resource))

    def build_page(self, query: MessageQuery, now: float) -> ServerResponse:
        """The response: the newest messages that match, with a link to the next page if there are more."""
        found = [one for one in reversed(self._messages) if query.to in ("", one.to) and one.at >= query.sent_after]
        page = [_build_resource(message, now) for message in found[: query.page_size]]
        body = {
            "messages": page,
            "page": 0,
            "page_size": query.page_size,
            "uri": query.path,
            "first_page_uri": query.path,
            "previous_page_uri": None,
            "next_page_uri": f"{query.path}?Page=1" if len(found) > query.page_size else None,
            "start": 0,
            "end": max(0, len(page) - 1),
        }
        return ServerResponse(200, msgspec.json.encode(body))


def parse_query(path: str, query: bytes) -> MessageQuery | None:
    """The question, or None if a value is not valid: the time is a date, or a date and time in UTC."""
    values = dict(parse_qsl(query.decode("ascii", "replace")))
    try:
        after = values.get("DateSent>", "")
        sent_after = datetime.fromisoformat(after if "T" in after else f"{after}T00:00:00Z").timestamp() if after else 0.0
        page_size = int(values.get("PageSize", DEFAULT_PAGE_SIZE))
    except ValueError:
        return None
    return MessageQuery(path, values.get("To", ""), sent_after, page_size) if 1 <= page_size <= MAX_PAGE_SIZE else None


def _build_resource(message: AcceptedMessage, now: float) -> dict[str, Any]:
    """The message as it is now: some time after it was accepted it is sent."""
    resource: dict[str, Any] = msgspec.json.decode(message.resource)
    if now - message.at >= SECONDS_UNTIL_SENT:
        resource |= {"status": "sent", "date_sent": formatdate(message.at + SECONDS_UNTIL_SENT).replace("-0000", "+0000")}
    return resource
