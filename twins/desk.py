"""What people and tests ask of the twins themselves: the ledger and their health."""

from collections.abc import Callable
from urllib.parse import parse_qs

import msgspec

from twins.ledger import Ledger
from twins.values import Reply, Request

_NDJSON = b"application/x-ndjson"
_MOST = 10_000


class Desk:
    """GET /ledger, /ledger/search, /ledger/entries, /healthz and POST /ledger/reset."""

    def __init__(self, ledger: Ledger, reset: Callable[[], None]) -> None:
        self._ledger, self._begin_anew = ledger, reset
        self._routes = {
            (b"GET", b"/healthz"): self._health,
            (b"GET", b"/ledger"): self._report,
            (b"GET", b"/ledger/search"): self._search,
            (b"GET", b"/ledger/entries"): self._entries,
            (b"POST", b"/ledger/reset"): self._reset,
        }

    def answer(self, request: Request) -> Reply:
        """Answer a request that is for no provider."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            known = ", ".join(f"{method.decode()} {path.decode()}" for method, path in self._routes)
            return _problem(404, f"no such path; there are {known} and the providers' own")
        query = {name: values[-1] for name, values in parse_qs(request.query.decode("latin-1")).items()}
        try:
            return route(query)
        except ValueError as error:
            return _problem(400, str(error))

    def _health(self, query: dict[str, str]) -> Reply:
        return _json({"status": "ok", "seq": self._ledger.seq})

    def _report(self, query: dict[str, str]) -> Reply:
        return _json(self._ledger.report())

    def _search(self, query: dict[str, str]) -> Reply:
        delivery, address = query.get("delivery", ""), query.get("address", "")
        if not delivery and not address:
            return _problem(400, "say which: delivery=, address= or both")
        return _json(self._ledger.search(delivery, address, _number(query, "limit", 100)))

    def _entries(self, query: dict[str, str]) -> Reply:
        lines = self._ledger.entries(_number(query, "after", 0), min(_MOST, _number(query, "limit", 1000)))
        return Reply(200, lines, content_type=_NDJSON)

    def _reset(self, query: dict[str, str]) -> Reply:
        self._begin_anew()
        return self._report(query)


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise ValueError(f"{name} is a whole number, not {text!r}")
    return int(text)


def _json(value: object) -> Reply:
    return Reply(200, msgspec.json.encode(value))


def _problem(status: int, message: str) -> Reply:
    return Reply(status, msgspec.json.encode({"error": message}))
