"""SendGrid's suppression lists, page by page: requests and their answers; pure.

Source: https://www.twilio.com/docs/sendgrid/api-reference (Bounces, Invalid Emails, Spam Reports, Suppressions - Global Suppressions):
`start_time`, `limit` and `offset` in the query, and an array with `created` and `email`. Blocks are not read: SendGrid sends to a blocked
address again, and so do we.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from agents.providers.request import encode_get_suffix, parse_base_url
from schemas.addresses import InvalidAddress, normalize_email
from schemas.errors import DECODE_ERRORS
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.suppression_sync import ListedSuppression
from schemas.timestamps import is_plausible
from schemas.users import SuppressionReason

LISTS: Mapping[str, SuppressionReason] = {
    "bounces": "hard_bounce",
    "invalid_emails": "hard_bounce",
    "spam_reports": "complaint",
    "unsubscribes": "stop",
}
"""The reason of each list of /v3/suppression/; `unsubscribes` are the global suppressions."""

PAGE_SIZE: Final = 500  # the most that the API gives


class _Entry(Struct, gc=False):
    email: Any = None
    created: Any = None


_decode = msgspec.json.Decoder(list[_Entry]).decode


class SuppressionLists:
    """The lists of an account. Raises ValueError for a URL or key that is not valid in a request."""

    def __init__(self, url: str, api_key: str) -> None:
        self._url = parse_base_url(url)
        self._suffix = encode_get_suffix(self._url.host_header, {"Authorization": f"Bearer {api_key}", "Accept": "application/json"})

    def build_request(self, name: str, start_time: float, offset: int) -> HttpRequest:
        """The request for a page of a list, with what was added since a time (epoch seconds)."""
        query = urlencode({"start_time": int(start_time), "limit": PAGE_SIZE, "offset": offset})
        target = self._url.join_path(f"/v3/suppression/{name}?{query}")
        return HttpRequest(self._url.origin, f"GET {target}".encode() + self._suffix, b"")

    def parse_page(self, name: str, result: HttpResult) -> tuple[int, Sequence[ListedSuppression]] | str:
        """How many entries a page has, and those that can be stored; a text says why there is none."""
        if not isinstance(result, HttpResponse):
            return f"{name}: SendGrid does not answer: {result.cause}"
        if result.status_code != 200:
            return f"{name}: SendGrid answered {result.status_code}: check that providers.sendgrid.api_key has the scope suppression.read"
        try:
            entries = _decode(result.body)
        except DECODE_ERRORS:
            return f"{name}: the answer is not a list of suppressions: check providers.sendgrid.url"
        return len(entries), [found for entry in entries if (found := _build(entry, LISTS[name])) is not None]


def _build(entry: _Entry, reason: SuppressionReason) -> ListedSuppression | None:
    address = normalize_email(entry.email) if isinstance(entry.email, str) else None
    if address is None or isinstance(address, InvalidAddress):
        return None
    is_time = isinstance(entry.created, int | float) and not isinstance(entry.created, bool) and is_plausible(entry.created)
    return ListedSuppression(address, reason, float(entry.created) if is_time else 0.0)
