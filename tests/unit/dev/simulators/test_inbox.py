"""The inbox: what it keeps, what it shows, and that no message can do more than be looked at."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dev.simulators.inbox.message_store import MessageStore
from dev.simulators.inbox.message_view import build_view
from dev.simulators.inbox.pages import PAGE_SIZE, InboxPages
from dev.simulators.protocol import ServerRequest, ServerResponse
from tests.unit.dev.simulators.request_builders import (
    NOW,
    build_fcm_request,
    build_mail,
    build_sendgrid_request,
    build_sms_form,
    build_twilio_request,
    build_webhook_request,
)

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
HTML_MAIL = [{"type": "text/plain", "value": "On its way."}, {"type": "text/html", "value": "<p>On its <b>way</b>.</p>"}]
REQUESTS = {
    "sendgrid": build_sendgrid_request(build_mail(content=HTML_MAIL, categories=["orders"])),
    "twilio": build_twilio_request(build_sms_form(Body="Grüße & mehr")),
    "fcm": build_fcm_request({"token": "device-3", "notification": {"title": "Shipped", "body": "On its way"}, "data": {"order": "17"}}),
    "webhook": build_webhook_request()._replace(body=b'{"type":"order.shipped"}'),
}


class PageParser(HTMLParser):
    """Collects the elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def find(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def fill_store(requests: dict[str, ServerRequest] = REQUESTS) -> MessageStore:
    """A store with one message of each provider."""
    store = MessageStore()
    for provider, request in requests.items():
        store.append(provider, NOW, 202, request)
    return store


def get(store: MessageStore, path: bytes = b"/inbox", query: bytes = b"") -> ServerResponse:
    """Request a page."""
    return InboxPages(store).handle_request(ServerRequest(b"GET", path, query, {}, b""))


def get_page(store: MessageStore, query: bytes = b"") -> PageParser:
    """Request the list of messages."""
    response = get(store, query=query)
    assert response.status == 200
    return PageParser(response.body.decode())


class TestStore:
    def test_the_oldest_messages_make_room_by_number_and_by_size(self) -> None:
        store = MessageStore(max_messages=3, max_bytes=100)
        for size in (10, 10, 10, 10, 75):
            store.append("webhook", NOW, 204, build_webhook_request()._replace(body=b"x" * size))
        assert [(message.number, len(message.request.body)) for message in store.list_newest()] == [(5, 75), (4, 10), (3, 10)]
        store.append("webhook", NOW, 204, build_webhook_request()._replace(body=b"x" * 101))
        assert list(store.list_newest()) == []

    def test_a_message_is_found_as_long_as_it_is_kept(self) -> None:
        store = fill_store()
        message = store.find(2)
        assert message is not None
        assert message.provider == "twilio"
        store.clear()
        assert store.find(2) is None


class TestViews:
    @pytest.mark.parametrize(
        ("provider", "recipient", "title", "text"),
        [
            ("sendgrid", "a@example.org", "Shipped", "On its way."),
            ("twilio", "+4366012345678", "", "Grüße & mehr"),
            ("fcm", "token: device-3", "Shipped", "On its way"),
            ("webhook", "127.0.0.1:4010/hooks/u-1?a=b", "", '{\n  "type": "order.shipped"\n}'),
        ],
    )
    def test_what_is_shown_of_a_message(self, provider: str, recipient: str, title: str, text: str) -> None:
        (message,) = fill_store({provider: REQUESTS[provider]}).list_newest()
        view = build_view(message)
        assert (view.recipient, view.title, view.text) == (recipient, title, text)
        assert view.details

    def test_a_mail_for_several_is_a_message_of_each(self) -> None:
        people = [{"to": [{"email": f"u{number}@example.org"}], "subject": f"Hello {number}"} for number in range(3)]
        request, store = build_sendgrid_request(build_mail(personalizations=people)), MessageStore(max_messages=2)
        store.append("sendgrid", NOW, 202, request, len(people))
        views = [build_view(message) for message in store.list_newest()]
        assert [(view.recipient, view.title) for view in views] == [("u2@example.org", "Hello 2"), ("u1@example.org", "Hello 1")]
        store.append("sendgrid", NOW, 202, request, 2)
        assert store._size == 2 * (len(request.body) // 2)

    def test_many_recipients_are_counted(self) -> None:
        people = [{"to": [{"email": f"u{number}@example.org"} for number in range(12)]}]
        (message,) = fill_store({"sendgrid": build_sendgrid_request(build_mail(personalizations=people))}).list_newest()
        assert build_view(message).recipient.endswith("u4@example.org and 7 more")

    def test_a_body_that_is_no_json_is_shown_as_text(self) -> None:
        (message,) = fill_store({"webhook": build_webhook_request()._replace(body=b"a=1\xff")}).list_newest()
        assert build_view(message).text == "a=1\ufffd"


class TestPages:
    def test_the_newest_message_comes_first(self) -> None:
        text = get_page(fill_store()).text
        positions = [text.index(word) for word in ("order.shipped", "device-3", "Grüße", "a@example.org")]
        assert positions == sorted(positions)

    def test_a_mail_is_rendered_in_a_frame_that_may_do_nothing(self) -> None:
        store = fill_store()
        (frame,) = get_page(store).find("iframe")
        assert (frame["sandbox"], frame["src"]) in ((None, "/inbox/1/html"), ("", "/inbox/1/html"))
        assert frame["title"] == "E-mail: Shipped"
        document = get(store, b"/inbox/1/html")
        assert document.body == b"<p>On its <b>way</b>.</p>"
        policy = re.findall(rb"Content-Security-Policy: (.*)\r\n", document.headers)[0].decode().split("; ")
        assert policy[:2] == ["sandbox", "default-src 'none'"], "no script, no form, no window, no origin"
        assert not any("script" in part or "unsafe-eval" in part for part in policy)
        assert b"X-Content-Type-Options: nosniff" in document.headers

    def test_the_page_itself_runs_no_script_and_is_framed_by_none(self) -> None:
        response = get(fill_store())
        assert b"default-src 'none'; style-src 'self'" in response.headers
        assert b"frame-ancestors 'none'" in response.headers
        assert not PageParser(response.body.decode()).find("script")

    @pytest.mark.parametrize(
        "requests",
        [
            {"sendgrid": build_sendgrid_request(build_mail(subject=ATTACK, content=[{"type": "text/plain", "value": ATTACK}]))},
            {"twilio": build_twilio_request(build_sms_form(Body=ATTACK))},
            {"fcm": build_fcm_request({"token": ATTACK, "notification": {"title": ATTACK, "body": ATTACK, "image": ATTACK}})},
            {"webhook": build_webhook_request(path=ATTACK.encode())._replace(body=ATTACK.encode(), headers={b"x": ATTACK.encode()})},
        ],
    )
    def test_what_a_message_says_is_text(self, requests: dict[str, ServerRequest]) -> None:
        page = get_page(fill_store(requests), b"q=%3Cscript%3E")
        assert "<script>alert(1)</script>" in page.text
        assert not page.find("script")
        assert not any("onerror" in attributes for _, attributes in page.elements)

    def test_a_search_and_a_channel_select_messages(self) -> None:
        store = fill_store()
        assert [attributes["class"] for attributes in get_page(store, b"q=gr%C3%BCSSE").find("article")] == []
        assert [attributes["class"] for attributes in get_page(store, b"q=GR%C3%9C%C3%9FE").find("article")] == ["sms"]
        assert [attributes["class"] for attributes in get_page(store, b"channel=push").find("article")] == ["push"]
        assert "No message matches" in get_page(store, b"q=nothing").text
        assert "No message has arrived yet" in get_page(MessageStore()).text

    def test_more_than_a_page_is_counted(self) -> None:
        store = MessageStore()
        for _ in range(PAGE_SIZE + 7):
            store.append("twilio", NOW, 201, REQUESTS["twilio"])
        page = get_page(store)
        assert len(page.find("article")) == PAGE_SIZE
        assert "7 older ones are not shown" in page.text

    def test_the_page_is_loaded_again_until_it_is_paused(self) -> None:
        store = fill_store()
        page = get_page(store, b"q=a&channel=email")
        assert [meta["content"] for meta in page.find("meta") if meta.get("http-equiv") == "refresh"] == ["5"]
        links = [link["href"] for link in page.find("a")]
        assert "/inbox?channel=email&q=a&refresh=0" in links
        paused = get_page(store, b"refresh=0")
        assert not [meta for meta in paused.find("meta") if meta.get("http-equiv") == "refresh"]

    def test_the_structure_is_accessible(self) -> None:
        page = get_page(fill_store(), b"channel=email")
        assert page.find("html")[0]["lang"] == "en"
        assert [label["for"] for label in page.find("label")] == [field["id"] for field in page.find("input") if field["type"] == "search"]
        identifiers = {attributes["id"] for _, attributes in page.elements if attributes.get("id")}
        assert all(article["aria-labelledby"] in identifiers for article in page.find("article"))
        assert page.find("a")[0]["href"] == "#messages"
        assert len([link for link in page.find("a") if link.get("aria-current") == "page"]) == 1
        assert all("alt" in image for image in page.find("img"))

    @pytest.mark.parametrize(
        ("path", "status"),
        [(b"/inbox/style.css", 200), (b"/inbox/2/html", 404), (b"/inbox/9/html", 404), (b"/inbox/x", 404), (b"/inbox/1/htm", 404)],
    )
    def test_other_paths(self, path: bytes, status: int) -> None:
        assert get(fill_store(), path).status == status

    def test_only_get(self) -> None:
        assert InboxPages(MessageStore()).handle_request(ServerRequest(b"POST", b"/inbox", b"", {}, b"")).status == 405


def compute_contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, relative luminance)."""
    luminances = sorted(compute_luminance(colour) for colour in (first, second))
    return (luminances[1] + 0.05) / (luminances[0] + 0.05)


def compute_luminance(colour: str) -> float:
    """The relative luminance of #rgb or #rrggbb."""
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_text_has_enough_contrast_in_light_and_dark() -> None:
    import dev.simulators.inbox.pages as pages

    style = Path(pages.__file__).with_name("style.css").read_text()
    palettes: list[dict[str, Any]] = [
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]+);", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    assert [len(palette) for palette in palettes] == [7, 7]
    for palette in palettes:
        for text, ground in [
            ("ink", "page"),
            ("ink", "surface"),
            ("ink", "bubble"),
            ("quiet", "page"),
            ("quiet", "surface"),
            ("accent", "page"),
            ("accent", "surface"),
        ]:
            assert compute_contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
