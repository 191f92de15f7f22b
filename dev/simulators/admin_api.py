"""The simulators' own HTTP API: the request log, faults, callbacks, revoked credentials and a health check."""

from collections.abc import Callable, Container
from urllib.parse import parse_qs

import msgspec

from dev.simulators.callbacks.dispatcher import CallbackDispatcher
from dev.simulators.fault_rules import FaultRequest, FaultRules
from dev.simulators.protocol import ServerRequest, ServerResponse
from dev.simulators.request_log import RequestLog
from schemas.ports import Clock

_NDJSON = b"application/x-ndjson"
_FAULT_ROUTES = ((b"POST", b"/faults"), (b"DELETE", b"/faults/{id}"))
_MAX_PAGE_SIZE = 10_000


class AdminApi:
    """The request log (/requests), faults (/faults), callbacks (/callbacks), revoked credentials (/credentials) and /healthz.

    `revoked_providers` are those of `providers` that reject all credentials. Without `callbacks` there are none.
    """

    def __init__(
        self,
        request_log: RequestLog,
        reset: Callable[[], None],
        clock: Clock,
        providers: Container[str],
        revoked_providers: set[str],
        faults: FaultRules,
        callbacks: CallbackDispatcher | None = None,
    ) -> None:
        self._request_log, self._reset_log, self._clock, self._faults, self._callbacks = request_log, reset, clock, faults, callbacks
        self._providers, self._revoked_providers = providers, revoked_providers
        self._routes = {
            (b"GET", b"/healthz"): self._get_health,
            (b"GET", b"/requests/counts"): self._get_counts,
            (b"GET", b"/requests/search"): self._search_entries,
            (b"GET", b"/requests"): self._list_entries,
            (b"GET", b"/requests/newest"): self._list_newest,
            (b"POST", b"/requests/reset"): self._handle_reset,
            (b"DELETE", b"/faults"): self._remove_faults,
            (b"GET", b"/faults"): self._list_faults,
            (b"GET", b"/callbacks/counts"): self._get_callback_counts,
            (b"POST", b"/callbacks/inbound"): self._post_inbound_sms,
            (b"POST", b"/credentials/revoke"): self._revoke_credentials,
            (b"POST", b"/credentials/restore"): self._restore_credentials,
        }

    def handle_request(self, request: ServerRequest) -> ServerResponse:
        """Handle a request that addresses no provider."""
        route = self._routes.get((request.method, request.path))
        query = {name: values[-1] for name, values in parse_qs(request.query.decode("latin-1")).items()}
        try:
            if route is not None:
                return route(query)
            if request.path == b"/faults" and request.method == b"POST":
                return self._add_fault(request.body)
            if request.path.startswith(b"/faults/") and request.method == b"DELETE":
                return self._remove_fault(request.path[len(b"/faults/") :].decode("latin-1"))
        except ValueError as error:  # of msgspec, too
            return _build_error_response(400, str(error))
        routes = ", ".join(f"{method.decode()} {path.decode()}" for method, path in (*self._routes, *_FAULT_ROUTES))
        return _build_error_response(404, f"no such route; the routes are {routes}, and those of the providers")

    def _get_health(self, query: dict[str, str]) -> ServerResponse:
        return _build_json_response({"status": "ok", "seq": self._request_log.last_seq})

    def _get_counts(self, query: dict[str, str]) -> ServerResponse:
        return _build_json_response(self._request_log.build_report())

    def _search_entries(self, query: dict[str, str]) -> ServerResponse:
        delivery_id, address = query.get("delivery_id", ""), query.get("address", "")
        if not delivery_id and not address:
            return _build_error_response(400, "delivery_id=, address= or both are required")
        return _build_json_response(self._request_log.search_entries(delivery_id, address, _parse_number(query, "limit", 100)))

    def _list_entries(self, query: dict[str, str]) -> ServerResponse:
        lines = self._request_log.read_entries(_parse_number(query, "after", 0), min(_MAX_PAGE_SIZE, _parse_number(query, "limit", 1000)))
        return ServerResponse(200, lines, content_type=_NDJSON)

    def _list_newest(self, query: dict[str, str]) -> ServerResponse:
        """A JSON array of entries, the newest first: those before a number, else the last ones."""
        before = _parse_number(query, "before", self._request_log.last_seq + 1)
        limit = min(_MAX_PAGE_SIZE, _parse_number(query, "limit", 100))
        lines = self._request_log.read_entries(max(0, before - 1 - limit), min(limit, max(0, before - 1)))
        return ServerResponse(200, b"[%b]" % b",".join(reversed(lines.splitlines())))

    def _handle_reset(self, query: dict[str, str]) -> ServerResponse:
        self._reset_log()
        return self._get_counts(query)

    def _add_fault(self, body: bytes) -> ServerResponse:
        return _build_json_response(self._faults.add(msgspec.json.decode(body, type=FaultRequest), self._clock()))

    def _list_faults(self, query: dict[str, str]) -> ServerResponse:
        return _build_json_response(self._faults.list_reports(self._clock()))

    def _remove_faults(self, query: dict[str, str]) -> ServerResponse:
        return _build_json_response({"removed": self._faults.remove(None, self._clock())})

    def _remove_fault(self, text: str) -> ServerResponse:
        if not text.isdecimal() or not self._faults.remove(int(text), self._clock()):
            return _build_error_response(404, "no such fault is switched on")
        return _build_json_response({"removed": 1})

    def _get_callback_counts(self, query: dict[str, str]) -> ServerResponse:
        return _build_json_response(self._callbacks.build_report() if self._callbacks else {"outstanding": 0})

    def _post_inbound_sms(self, query: dict[str, str]) -> ServerResponse:
        """A text message from somebody's telephone to one of Twilio's numbers."""
        sender, text = query.get("from", ""), query.get("text", "")
        if self._callbacks is None or not sender or not text:
            return _build_error_response(
                400, "from= and text= are required, and the simulators must have been started with --callbacks-url"
            )
        self._callbacks.post_inbound_sms(sender, query.get("to", ""), text)
        return self._get_callback_counts(query)

    def _revoke_credentials(self, query: dict[str, str]) -> ServerResponse:
        self._revoked_providers.add(self._parse_provider(query))
        return _build_json_response({"revoked": sorted(self._revoked_providers)})

    def _restore_credentials(self, query: dict[str, str]) -> ServerResponse:
        self._revoked_providers.discard(self._parse_provider(query))
        return _build_json_response({"revoked": sorted(self._revoked_providers)})

    def _parse_provider(self, query: dict[str, str]) -> str:
        name = query.get("provider", "")
        if name not in self._providers:
            raise ValueError(f"provider must name a simulated provider, not {name!r}")
        return name


def _parse_number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise ValueError(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _build_json_response(value: object) -> ServerResponse:
    return ServerResponse(200, msgspec.json.encode(value))


def _build_error_response(status: int, message: str) -> ServerResponse:
    return ServerResponse(status, msgspec.json.encode({"error": message}))
