"""Twilio: the form as its own client sends it, and its table of codes."""

import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from requests import Request
from twilio.base.values import of

from agents.providers.twilio import Settings, Twilio, build_provider, compute_validity_period
from agents.providers.twilio_codes import ERROR_CODES, ERROR_CODES_OF_SENDERS, HTTP_STATUSES
from schemas.content import SmsContent
from schemas.enums import Outcome, Reason, Status
from schemas.errors import SettingError
from schemas.http import HttpRequest, HttpResponse
from schemas.outcome import AttemptResult
from tests.delivery_builders import ADDRESSES, NOW, build_delivery

MESSAGING_SERVICE = "MG" + "0123456789abcdefABCDEF0123456789"
CALLBACK = "https://herold.example.org/callbacks/twilio"


def make_twilio(sender: str = "+15005550006", callback: str = CALLBACK) -> Twilio:
    return Twilio("https://api.twilio.com", "AC17", "SK17", "secret", sender, callback)


def make_settings(**changes: Any) -> Settings:
    usual = {
        "url": "https://api.twilio.com",
        "account_sid": "AC17",
        "api_key_sid": "SK17",
        "api_key_secret": "secret",
        "from_number": "+15005550006",
        "senders": "",
        "smart_encoding": True,
        "callback_base_url": "",
        "auth_token": "",
        "webhook_shared_keys": "",
    }
    return Settings(**(usual | changes))


def build_request(account: Twilio | None = None, **changes: Any) -> HttpRequest:
    prepared = (account or make_twilio()).build_request(build_delivery("sms", **changes), 2, NOW)
    assert isinstance(prepared, HttpRequest)
    return prepared


def parse_form(request: HttpRequest) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(), strict_parsing=True))


def test_the_form_is_the_one_that_twilios_client_sends() -> None:
    delivery = build_delivery("sms", content=SmsContent("50 % off: a+b=c & d~e_f-g.h ☃\r\n"), redrive_count=1)
    callback = f"{CALLBACK}?delivery={delivery.id}&attempt=2&redrive_count=1"
    fields = {"To": delivery.address, "From": "+15005550006", "Body": delivery.content.text, "StatusCallback": callback}
    theirs = of({**fields, "ValidityPeriod": 3600, "SmartEncoded": "true", "MessagingServiceSid": None})
    sent = Request("POST", "https://api.twilio.com", data=theirs).prepare().body
    assert isinstance(sent, str)
    assert parse_form(build_request(content=delivery.content, redrive_count=1)) == dict(parse_qsl(sent, strict_parsing=True))


def test_the_key_is_in_the_head_and_the_account_in_the_path() -> None:
    head = build_request().head
    assert head.startswith(b"POST /2010-04-01/Accounts/AC17/Messages.json HTTP/1.1\r\nHost: api.twilio.com\r\n")
    assert b"\r\nAuthorization: Basic U0sxNzpzZWNyZXQ=\r\n" in head


def test_a_messaging_service_replaces_the_sender() -> None:
    fields = parse_form(build_request(make_twilio(sender=MESSAGING_SERVICE)))
    assert fields["MessagingServiceSid"] == MESSAGING_SERVICE
    assert "From" not in fields


@pytest.mark.parametrize("sender", ["MGM Hotels", "MG17", MESSAGING_SERVICE + "0", MESSAGING_SERVICE[:-1], "MG" + "g" * 32, "+15005550006"])
def test_only_the_sid_of_a_messaging_service_is_one(sender: str) -> None:
    fields = parse_form(build_request(make_twilio(sender=sender)))
    assert fields["From"] == sender
    assert "MessagingServiceSid" not in fields


@pytest.mark.parametrize(
    ("base_url", "callback"),
    [
        ("https://a.example.org", "https://a.example.org/v1/callbacks/twilio?{query}"),
        ("https://a.example.org/x/", "https://a.example.org/x/v1/callbacks/twilio?{query}"),
        ("https://a.example.org/?a=1#ct=2000", "https://a.example.org/v1/callbacks/twilio?a=1&{query}#ct=2000"),
        ("https://a.example.org#rc=3?", "https://a.example.org/v1/callbacks/twilio?{query}#rc=3?"),
    ],
)
def test_the_query_of_a_callback_comes_before_the_fragment(base_url: str, callback: str) -> None:
    settings = make_settings(callback_base_url=base_url)
    query = f"delivery={build_delivery('sms').id}&attempt=2&redrive_count=0"
    assert parse_form(build_request(build_provider(settings)))["StatusCallback"] == callback.format(query=query)


def test_a_callback_url_may_have_a_query_of_its_own() -> None:
    assert parse_form(build_request(make_twilio(callback=f"{CALLBACK}?a=1")))["StatusCallback"].startswith(f"{CALLBACK}?a=1&delivery=dlv_")


@pytest.mark.parametrize(("left", "seconds"), [(59.9, 59), (0.2, 1), (36_000, 36_000), (90_000, 36_000)])
def test_twilio_may_deliver_no_longer_than_until_the_expiry(left: float, seconds: int) -> None:
    assert compute_validity_period(NOW + left, NOW) == seconds
    assert parse_form(build_request(expires_at=NOW + left))["ValidityPeriod"] == str(seconds)


@pytest.mark.parametrize(
    "changes", [{"account_sid": "AC 17"}, {"account_sid": "A\r\nC"}, {"callback_url": "nowhere"}, {"url": "ftp://api.twilio.com"}]
)
def test_settings_that_no_request_can_contain_are_an_error(changes: dict[str, str]) -> None:
    settings = {
        "url": "https://api.twilio.com",
        "account_sid": "AC17",
        "key_sid": "SK",
        "key_secret": "s",
        "sender": "+1",
        "callback_url": CALLBACK,
    }
    with pytest.raises(ValueError, match=r"URL|path"):
        Twilio(**{**settings, **changes})


def parse_result(http_status: int, **body: Any) -> Any:
    return make_twilio().parse_result(HttpResponse(http_status, {}, json.dumps(body).encode()), NOW)


def test_acceptance_keeps_the_sid() -> None:
    assert parse_result(201, sid="SM17", status="queued").provider_message_id == "SM17"


@pytest.mark.parametrize(
    ("status", "code", "outcome", "reason"),
    [
        (400, 21211, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT),
        (400, 21612, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT),
        (400, 21614, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT),
        (400, 21610, Outcome.REJECTED_RECIPIENT, Reason.OPTED_OUT),
        (400, 21408, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (400, 21603, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (400, 21606, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (400, 21608, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (400, 21602, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
        (400, 21617, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
        *((400, code, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT) for code in (21265, 21266, 21268, 21635)),
        *((400, code, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED) for code in (21219, 21657, 21703, 572005)),
        *((400, code, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED) for code in (21212, 21607, 21609, 21704, 21705)),
        (400, 21730, Outcome.THROTTLED, ""),
        (400, 29999, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),  # unknown to us: permanent
        (400, 21611, Outcome.THROTTLED, ""),
        (401, 20003, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (404, 20404, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (400, 10001, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (401, 20005, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (403, 20403, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (400, 21659, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (400, 21660, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (400, 21661, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (403, 70051, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (429, 20429, Outcome.THROTTLED, ""),
        (500, 20500, Outcome.UNKNOWN, ""),
        (503, 20429, Outcome.UNKNOWN, ""),  # behind a 5xx no code proves that nothing was sent
    ],
)
@pytest.mark.parametrize("shape", ["legacy", "problem"])
def test_codes_in_both_shapes_of_error(shape: str, status: int, code: int, outcome: Outcome, reason: str) -> None:
    legacy = {"code": code, "message": ADDRESSES["sms"], "more_info": "https://www.twilio.com/docs/errors", "status": status}
    problem = {"type": "https://www.twilio.com/docs/api/errors", "title": "Wrong", "status": status, "code": code}
    found = parse_result(status, **(legacy if shape == "legacy" else problem))
    assert (found.outcome, found.reason) == (outcome, reason)
    assert found.provider_code == (status if status >= 500 else code)
    # another country or number may work with these settings
    works_for_others = code in (21219, 21408, 21608, 21657, 21703, 572005)
    assert found.is_account_fault is (reason == Reason.MISCONFIGURED and not works_for_others)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_http_status_without_a_code_is_misconfigured(status: int) -> None:
    found = make_twilio().parse_result(HttpResponse(status, {}, b"<html>"), NOW)
    assert (found.outcome, found.reason, found.provider_code) == (Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, status)
    assert found.is_account_fault


def test_the_code_for_stop_is_unsubscribed() -> None:
    assert parse_result(400, code=21610).status is Status.UNSUBSCRIBED


@pytest.mark.parametrize("table", [ERROR_CODES, ERROR_CODES_OF_SENDERS, HTTP_STATUSES])
def test_each_result_of_a_table_has_its_own_code_and_a_detail(table: dict[int, AttemptResult]) -> None:
    assert {code: entry.provider_code for code, entry in table.items()} == {code: code for code in table}
    assert all(entry.detail for entry in table.values())


def test_a_sender_that_does_not_work_is_no_fault_of_an_account_with_several() -> None:
    account = build_provider(make_settings(senders="+43=Shop, +49=+4915112345678"))
    for code in (21606, 21659, 21705):
        found = account.parse_result(HttpResponse(400, {}, json.dumps({"code": code}).encode()), NOW)
        assert (found.reason, found.is_account_fault) == (Reason.MISCONFIGURED, False)
    found = account.parse_result(HttpResponse(401, {}, json.dumps({"code": 20003}).encode()), NOW)
    assert found.is_account_fault


def test_the_sender_is_that_of_the_recipients_country() -> None:
    account = build_provider(make_settings(senders=f"+49=Shop, +4917={MESSAGING_SERVICE}"))
    senders = [parse_form(build_request(account, address=address)) for address in ("+4930123456", "+491701234567", "+436601234567")]
    assert [form.get("From") or form.get("MessagingServiceSid") for form in senders] == ["Shop", MESSAGING_SERVICE, "+15005550006"]
    assert ["MessagingServiceSid" in form for form in senders] == [False, True, False]


@pytest.mark.parametrize(("smart_encoding", "field"), [(True, "true"), (False, "false")])
def test_smart_encoding_is_a_setting(smart_encoding: bool, field: str) -> None:
    assert parse_form(build_request(build_provider(make_settings(smart_encoding=smart_encoding))))["SmartEncoded"] == field


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"callback_base_url": "https://my_host.example.org"}, "callback_base_url.*underscore"),
        ({"senders": "+43=+4366012345678, 49=Shop"}, "senders.*entry 2"),
        ({"from_number": "MG" + "0" * 31}, "from_number.*MG and 32 hex digits"),
    ],
)
def test_settings_that_twilio_refuses_are_an_error_at_the_start(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingError, match=problem):
        build_provider(make_settings(**changes))


def test_without_a_callback_url_no_callbacks_are_requested() -> None:
    assert set(parse_form(build_request(make_twilio(callback="")))) == {"To", "From", "Body", "ValidityPeriod", "SmartEncoded"}


def test_a_code_that_is_not_in_the_table_is_a_link_to_its_page() -> None:
    assert parse_result(400, code=29999).detail == "Twilio rejected the message: https://www.twilio.com/docs/api/errors/29999"
    assert parse_result(400).detail == "Twilio rejected the message, without a code"


def test_the_callback_says_where_the_record_is() -> None:
    assert make_twilio().reports_source
    assert not make_twilio(callback="").reports_source
    callback = parse_form(build_request(make_twilio(), source="low.3.17"))["StatusCallback"]
    assert parse_qs(urlsplit(callback).query)["source"] == ["low.3.17"]
