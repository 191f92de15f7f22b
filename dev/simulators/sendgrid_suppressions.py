"""SendGrid's suppression lists: GET /v3/suppression/<list>, with start_time, limit and offset; a POST to the same path adds an address.

Source: https://www.twilio.com/docs/sendgrid/api-reference/bounces-api/retrieve-all-bounces and those beside it. The real API has no POST
there: mail servers and recipients fill its lists.
"""

from collections import defaultdict
from typing import Any
from urllib.parse import parse_qs

import msgspec

from dev.simulators.protocol import ServerRequest, ServerResponse, is_bearer_valid
from schemas.ports import Clock

PATH_PREFIX = b"/v3/suppression/"
LISTS = frozenset((b"bounces", b"blocks", b"invalid_emails", b"spam_reports", b"unsubscribes"))
MAX_LIMIT = 500


class SuppressionListServer:
    """The lists of one account, in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: defaultdict[bytes, list[dict[str, Any]]] = defaultdict(list)

    def handle_request(self, request: ServerRequest) -> ServerResponse:
        """Respond as the API does: 401 without a key, 404 for another list, else a page."""
        name, query = request.path.removeprefix(PATH_PREFIX), parse_qs(request.query.decode("latin-1"))
        if not is_bearer_valid(request):
            return _build_error(401, "authorization required")
        if name not in LISTS:
            return _build_error(404, "Not Found")
        if request.method == b"POST":
            self._entries[name].append({"created": int(self._clock()), "email": query.get("email", [""])[0], "reason": "", "status": ""})
            return ServerResponse(201)
        try:
            start, offset, limit = (int(query.get(key, [default])[0]) for key, default in _DEFAULTS.items())
        except ValueError:
            return _build_error(400, "start_time, offset and limit must be numbers")
        found = [entry for entry in self._entries[name] if entry["created"] >= start]
        return ServerResponse(200, msgspec.json.encode(found[offset : offset + min(limit, MAX_LIMIT)]))


_DEFAULTS = {"start_time": "0", "offset": "0", "limit": str(MAX_LIMIT)}


def _build_error(status: int, message: str) -> ServerResponse:
    return ServerResponse(status, msgspec.json.encode({"errors": [{"field": None, "message": message}]}))
