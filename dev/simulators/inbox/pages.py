"""The pages of the inbox: GET /inbox, /inbox/style.css and /inbox/{number}/html, the document of an e-mail in a sandbox."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from dev.simulators.inbox.message_store import MessageStore
from dev.simulators.inbox.message_view import CHANNELS, build_view
from dev.simulators.protocol import ServerRequest, ServerResponse

PATH_PREFIX = b"/inbox"
PAGE_SIZE = 50
REFRESH_INTERVAL = 5  # seconds
_DIRECTORY = Path(__file__).parent
_HTML = b"text/html; charset=utf-8"
_SHARED_HEADERS = b"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n"
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src https: data:; frame-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
# the document of an e-mail runs no script, sends no form and opens no window, also if it is opened by itself
_MAIL_POLICY = "sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; font-src data:; frame-ancestors 'self'"


class InboxPages:
    """Renders what a store holds."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._template: Any = None

    def handle_request(self, request: ServerRequest) -> ServerResponse:
        """Respond to a request whose path begins with PATH_PREFIX."""
        if request.method != b"GET":
            return ServerResponse(405, headers=b"Allow: GET\r\n")
        path = request.path.decode("latin-1").removeprefix("/inbox")
        if path in ("", "/"):
            return self._render_list({name: values[-1] for name, values in parse_qs(request.query.decode("latin-1")).items()})
        if path == "/style.css":
            style = (_DIRECTORY / "style.css").read_bytes()
            return ServerResponse(200, style, _SHARED_HEADERS, b"text/css; charset=utf-8")
        number = path.removeprefix("/").removesuffix("/html")
        message = self._store.find(int(number)) if path == f"/{number}/html" and number.isdecimal() else None
        html = build_view(message).html if message else ""
        return _build_page(html, _MAIL_POLICY) if html else ServerResponse(404, b"this message is not kept any more", b"", b"text/plain")

    def _render_list(self, query: dict[str, str]) -> ServerResponse:
        channel, text = query.get("channel", ""), query.get("q", "").strip()
        views = [view for view in map(build_view, self._store.list_newest()) if not text or view.contains(text)]
        counts = Counter(view.channel for view in views)
        shown = [view for view in views if channel in ("", view.channel)]
        page = self._get_template().render(
            views=shown[:PAGE_SIZE],
            hidden_count=max(0, len(shown) - PAGE_SIZE),
            channels=[(name, counts[name], _build_query(query, channel=name)) for name in CHANNELS.values()],
            total=sum(counts.values()),
            all_query=_build_query(query, channel=""),
            channel=channel,
            text=text,
            refresh=0 if query.get("refresh") == "0" else REFRESH_INTERVAL,
            pause_query=_build_query(query, refresh="0"),
            resume_query=_build_query(query, refresh=""),
        )
        return _build_page(page, _PAGE_POLICY)

    def _get_template(self) -> Any:
        if self._template is None:
            from jinja2 import Environment, FileSystemLoader, StrictUndefined  # here, because the simulators need it for this page only

            environment = Environment(
                loader=FileSystemLoader(_DIRECTORY), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
            )
            environment.filters["local_time"] = lambda seconds: _to_local_time(seconds).strftime("%H:%M:%S")
            environment.filters["iso_time"] = lambda seconds: _to_local_time(seconds).isoformat(timespec="milliseconds")
            self._template = environment.get_template("inbox.html")
        return self._template


def _to_local_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()


def _build_query(query: dict[str, str], **changes: str) -> str:
    """The query with these changes; empty values are left out."""
    names = ("channel", "q", "refresh")
    values = {name: {**query, **changes}.get(name, "") for name in names}
    return "?" + urlencode({name: value for name, value in values.items() if value})


def _build_page(html: str, policy: str) -> ServerResponse:
    headers = b"Content-Security-Policy: %b\r\n" % policy.encode() + _SHARED_HEADERS
    return ServerResponse(200, html.encode("utf-8", "replace"), headers, _HTML)
