"""What every provider owes the delivery worker, whatever its vendor's API looks like."""

from collections.abc import Mapping

import httptools
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.channels import ChannelName
from schemas.content import EmailContent, PushContent, SmsContent, WebhookContent
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpRequest, HttpResponse, MaybeSent, NotAllowed, NotSent
from schemas.outcome import AttemptResult
from tests.contracts.providers.provider_cases import PROVIDER_CASES, ProviderCase
from tests.delivery_builders import NOW, build_delivery


class ParsedRequest:
    """A request as an HTTP server reads it."""

    def __init__(self, request: HttpRequest) -> None:
        self.headers: dict[str, str] = {}
        self.body, self.url, self.request_count = b"", b"", 0
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(request.head + request.body)
        self.method = parser.get_method()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        assert name.decode().lower() not in self.headers
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.request_count += 1


@pytest.fixture(params=PROVIDER_CASES)
def provider_case(request: pytest.FixtureRequest) -> ProviderCase:
    return PROVIDER_CASES[request.param]


def build_request(provider_case: ProviderCase, **changes: object) -> HttpRequest:
    request = provider_case.provider.build_request(build_delivery(provider_case.provider.channel, **changes), 0, NOW)  # type: ignore[arg-type]
    assert isinstance(request, HttpRequest)
    return request


def build_response(status: int, body: bytes = b"", headers: Mapping[bytes, bytes] | None = None) -> HttpResponse:
    return HttpResponse(status, headers or {}, body)


def test_a_request_is_one_whole_post(provider_case: ProviderCase) -> None:
    request = build_request(provider_case)
    read = ParsedRequest(request)
    assert (read.method, read.request_count) == (b"POST", 1)
    assert read.body == request.body
    assert read.headers["content-length"] == str(len(request.body))
    assert request.head.endswith(b"\r\n\r\n")


def test_the_origin_names_scheme_host_and_port_and_the_host_header_agrees(provider_case: ProviderCase) -> None:
    request = build_request(provider_case)
    scheme, _, rest = request.origin.partition("://")
    host, _, port = rest.partition(":")
    assert (scheme, port) == ("https", "443")
    assert ParsedRequest(request).headers["host"] == host


def test_the_request_carries_the_id_of_the_delivery(provider_case: ProviderCase) -> None:
    read = ParsedRequest(build_request(provider_case))
    assert provider_case.read_delivery_id(read.headers, read.body) == build_delivery(provider_case.provider.channel).id


def test_the_same_attempt_at_the_same_time_is_the_same_request(provider_case: ProviderCase) -> None:
    assert build_request(provider_case) == build_request(provider_case)


def test_a_delivery_without_an_address_to_send_to_is_rejected_without_a_call(provider_case: ProviderCase) -> None:
    for address in provider_case.invalid_addresses:
        rejected = provider_case.provider.build_request(build_delivery(provider_case.provider.channel, address=address), 0, NOW)
        assert isinstance(rejected, AttemptResult), address
        assert rejected.outcome is Outcome.REJECTED_RECIPIENT


def test_content_of_another_channel_is_rejected_without_a_call(provider_case: ProviderCase) -> None:
    other: ChannelName = "sms" if provider_case.provider.channel != "sms" else "email"
    delivery = msgspec.structs.replace(build_delivery(provider_case.provider.channel), content=build_delivery(other).content)
    rejected = provider_case.provider.build_request(delivery, 0, NOW)
    assert isinstance(rejected, AttemptResult)
    assert (rejected.outcome, rejected.reason) == (Outcome.REJECTED_PERMANENT, Reason.INVALID)


def test_the_account_bounds_what_goes_to_one_origin(provider_case: ProviderCase) -> None:
    delivery = build_delivery(provider_case.provider.channel)
    assert provider_case.provider.get_account(delivery) == build_request(provider_case).origin


def test_acceptance_ends_as_sent_or_delivered(provider_case: ProviderCase) -> None:
    attempted = provider_case.provider.parse_result(build_response(provider_case.accepted_status), NOW)
    assert attempted.outcome is Outcome.ACCEPTED
    assert attempted.provider_code == provider_case.accepted_status
    assert attempted.status in (None, Status.DELIVERED)


@pytest.mark.parametrize(
    ("message_id", "kept"),
    [("14c5d75ce93.dfd/m:1", "14c5d75ce93.dfd/m:1"), ("x" * 300, "x" * 200), ("a\0b", ""), ("a\x7fb", ""), ("é", ""), ("a\tb", "")],
)
def test_any_message_id_leaves_an_acceptance_as_it_is(provider_case: ProviderCase, message_id: str, kept: str) -> None:
    body = msgspec.json.encode({"sid": message_id, "name": message_id})
    headers = {b"x-message-id": message_id.encode("latin-1")}
    attempted = provider_case.provider.parse_result(build_response(provider_case.accepted_status, body, headers), NOW)
    assert attempted.outcome is Outcome.ACCEPTED
    assert attempted.provider_message_id == ("" if provider_case.provider.name == "webhook" else kept)


def test_what_never_left_is_not_sent_and_what_got_no_answer_is_unknown(provider_case: ProviderCase) -> None:
    assert provider_case.provider.parse_result(NotSent("refused"), NOW) == AttemptResult(Outcome.NOT_SENT, detail="refused")
    denied = provider_case.provider.parse_result(NotAllowed("not allowed"), NOW)
    assert denied == AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.ADDRESS_NOT_ALLOWED, detail="not allowed")
    assert provider_case.provider.parse_result(MaybeSent("closed"), NOW) == AttemptResult(Outcome.UNKNOWN, detail="closed")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_server_error_may_have_been_sent(provider_case: ProviderCase, status: int) -> None:
    attempted = provider_case.provider.parse_result(build_response(status), NOW)
    assert (attempted.outcome, attempted.provider_code, attempted.has_failed) == (Outcome.UNKNOWN, status, status != 408)


@pytest.mark.parametrize(
    "body",
    [
        b'{"sid":"\xe9","name":"\xe9","errors":[{"field":"\xe9"}],"error":{"message":"\xe9"}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202, 400, 404])
def test_a_body_that_is_no_text_or_without_end_is_an_outcome_too(provider_case: ProviderCase, status: int, body: bytes) -> None:
    assert provider_case.provider.parse_result(build_response(status, body), NOW).outcome in Outcome


def test_too_many_requests_throttle(provider_case: ProviderCase) -> None:
    assert provider_case.provider.parse_result(build_response(429), NOW).outcome is Outcome.THROTTLED


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"7", 7.0),
        (b" 7 ", 7.0),
        (b"0", 0.0),
        (b"-1", 0.0),
        (b"tomorrow", 0.0),
        (b"", 0.0),
        (b"1e999", 0.0),
        (b"9" * 5000, 0.0),
        (b"\xff", 0.0),
        (b"Thu, 09 Oct 2025 08:53:50 GMT", 30.0),
        (b"Thu, 09 Oct 2025 08:53:10 GMT", 0.0),
        (b"Thu, 09 Oct 99999 08:53:50 GMT", 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_as_seconds_or_date_and_nonsense_is_none(
    provider_case: ProviderCase, status: int, value: bytes, seconds: float
) -> None:
    expected = seconds or (provider_case.throttle_seconds if status == 429 else 0.0)
    assert provider_case.provider.parse_result(build_response(status, headers={b"retry-after": value}), NOW).retry_after == expected


JUNK = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"[]", b"null", b"{", b'{"error":7}', b'{"errors":null}', b'{"code":"x"}', b'{"code":1e400}', b'{"error":{"details":[1]}}']
    ),
)


@given(status=st.integers(200, 599), body=JUNK, name=st.sampled_from([b"x-message-id", b"x-ratelimit-reset"]), value=st.binary(max_size=20))
def test_any_answer_is_one_of_the_six_outcomes_and_repeats_nothing_of_its_body(status: int, body: bytes, name: bytes, value: bytes) -> None:
    for account in PROVIDER_CASES.values():
        attempted = account.provider.parse_result(build_response(status, body, {name: value}), NOW)
        assert attempted.outcome in Outcome
        assert attempted.retry_after >= 0
        assert attempted.outcome is not Outcome.ACCEPTED or 200 <= status < 300


TEXTS = st.text(max_size=60)
HOSTILE = st.one_of(TEXTS, TEXTS.map(lambda text: f"a\r\nX-Evil: {text}\r\n\r\n"), TEXTS.map(lambda text: f"&To=+1&Body={text}"))


@given(address=HOSTILE, title=HOSTILE, text=HOSTILE)
def test_no_address_or_text_can_change_the_shape_of_a_request(address: str, title: str, text: str) -> None:
    contents = {
        "email": EmailContent(title, text, text),
        "sms": SmsContent(text),
        "push": PushContent(title, text, {"k": text}),
        "webhook": WebhookContent(title, {"text": text}),
    }
    for account in PROVIDER_CASES.values():
        channel = account.provider.channel
        usual = ParsedRequest(build_request(account))
        for delivery in (build_delivery(channel, address=address), build_delivery(channel, content=contents[channel])):
            request = account.provider.build_request(delivery, 0, NOW)
            if isinstance(request, HttpRequest):
                read = ParsedRequest(request)
                assert read.request_count == 1
                assert read.headers.keys() == usual.headers.keys()
                assert account.read_delivery_id(read.headers, read.body) == delivery.id


def test_no_secret_is_shown_by_what_comes_of_an_answer(provider_case: ProviderCase) -> None:
    body = msgspec.json.encode({"message": f"{provider_case.secrets} is wrong", "errors": [{"message": str(provider_case.secrets)}]})
    shown = [repr(provider_case.provider.parse_result(build_response(status, body), NOW)) for status in range(200, 600)]
    shown.append(repr(provider_case.provider))
    assert not [text for text in shown for key in provider_case.secrets if key in text]
