"""FCM: the message as Firebase's own encoder builds it, and its table of codes."""

import datetime
import json
from typing import Any

import pytest
from firebase_admin import messaging

from agents.providers.fcm import Fcm
from agents.providers.fcm_message import compute_ttl
from schemas.content import PushContent
from schemas.content_limits import MAX_FCM_BYTES, compute_fcm_bytes
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpRequest, HttpResponse
from schemas.link_tokens import LinkTokens
from schemas.outcome import AttemptResult
from schemas.push_options import PushOptions
from schemas.push_receipts import RECEIPT_BYTES, RECEIPT_KEY
from tests.delivery_builders import NOW, build_delivery
from tests.fakes import FixedToken

FCM = Fcm("https://fcm.googleapis.com", "herold", FixedToken())


def build_message(**changes: Any) -> dict[str, Any]:
    request = FCM.build_request(build_delivery("push", **changes), 0, NOW)
    assert isinstance(request, HttpRequest)
    return dict(json.loads(request.body)["message"])


def encode_with_firebase(**target: str) -> Any:
    delivery = build_delivery("push")
    same = delivery.notification_id
    theirs = messaging.Message(
        notification=messaging.Notification("Your order", "It is on its way."),
        data={"order": "17", "delivery_id": delivery.id},
        android=messaging.AndroidConfig(ttl=datetime.timedelta(hours=1), notification=messaging.AndroidNotification(tag=same)),
        apns=messaging.APNSConfig(headers={"apns-collapse-id": same, "apns-expiration": str(int(NOW) + 3600)}),
        webpush=messaging.WebpushConfig(headers={"TTL": "3600"}),
        **target,
    )
    return json.loads(str(theirs))


def test_the_message_is_the_one_that_firebases_encoder_builds() -> None:
    # the encoder prefers an installation id to a token; FCM accepts both, and apps still register tokens
    with pytest.warns(DeprecationWarning, match="token is deprecated"):
        theirs = encode_with_firebase(token=build_delivery("push").address)
    assert build_message() == theirs


def test_an_image_and_a_link_are_for_all_kinds_of_devices() -> None:
    image, link = "https://example.org/a.png", "https://example.org/orders"
    message = messaging.Message(
        topic="t",
        notification=messaging.Notification("t", "b", image),
        data={"link": link},
        apns=messaging.APNSConfig(payload=messaging.APNSPayload(messaging.Aps(mutable_content=True))),
        webpush=messaging.WebpushConfig(fcm_options=messaging.WebpushFCMOptions(link)),
    )
    ours, theirs = build_message(content=PushContent("t", "b", {}, image, link)), json.loads(str(message))
    assert (ours["notification"], ours["data"]["link"]) == (theirs["notification"], theirs["data"]["link"])
    assert (ours["apns"]["payload"], ours["webpush"]["fcm_options"]) == (theirs["apns"]["payload"], theirs["webpush"]["fcm_options"])
    assert "fcm_options" not in build_message(content=PushContent("t", "b", link="shop://orders"))["webpush"]  # browsers take https only


TOKENS = LinkTokens([b"s" * 32])


def sign(**changes: Any) -> dict[str, str]:
    fcm = Fcm("https://fcm.googleapis.com", "herold", FixedToken())
    fcm.sign_receipts(TOKENS)
    request = fcm.build_request(build_delivery("push", **changes), 12, NOW)
    assert isinstance(request, HttpRequest)
    return dict(json.loads(request.body)["message"]["data"])


def test_a_message_to_a_device_has_the_token_of_its_receipt() -> None:
    data = sign(redrive_count=3)
    assert TOKENS.verify("receipt", data[RECEIPT_KEY]) == [build_delivery("push").id, "12", "3"]
    assert len(data[RECEIPT_KEY]) + len(RECEIPT_KEY) <= RECEIPT_BYTES
    assert RECEIPT_KEY in sign(address="fid:abc")
    assert RECEIPT_KEY not in sign(address="topic:news"), "one of many devices cannot confirm it for all"
    assert RECEIPT_KEY not in build_message()["data"], "without a secret for links"


def test_a_message_without_room_for_a_receipt_has_none() -> None:
    room = MAX_FCM_BYTES - compute_fcm_bytes(PushContent("t", ""))
    assert RECEIPT_KEY in sign(content=PushContent("t", "b" * (room - RECEIPT_BYTES)))
    assert RECEIPT_KEY not in sign(content=PushContent("t", "b" * (room - RECEIPT_BYTES + 1)))


def test_an_address_may_be_a_topic() -> None:
    an_id = build_delivery("push").id
    assert build_message(address="topic:news-at", id=an_id) == encode_with_firebase(topic="news-at")


def test_an_address_may_be_an_installation() -> None:
    an_id = build_delivery("push").id
    assert build_message(address="fid:fHm9_-Q0RjK2xY7zABCDEf", id=an_id) == encode_with_firebase(fid="fHm9_-Q0RjK2xY7zABCDEf")


def test_options_are_those_that_firebases_encoder_writes() -> None:
    options = PushOptions("match-7", "high", "very-low", "goal.caf", 3, "scores", "OPEN_MATCH", "MATCH", "time-sensitive", True)
    theirs = messaging.Message(
        topic="t",
        android=messaging.AndroidConfig(
            priority="high",
            ttl=datetime.timedelta(hours=1),
            notification=messaging.AndroidNotification(
                tag="match-7", sound="goal.caf", channel_id="scores", click_action="OPEN_MATCH", notification_count=3
            ),
        ),
        apns=messaging.APNSConfig(
            headers={"apns-collapse-id": "match-7", "apns-expiration": str(int(NOW) + 3600), "apns-priority": "10"},
            payload=messaging.APNSPayload(
                messaging.Aps(
                    mutable_content=True, sound="goal.caf", badge=3, category="MATCH", custom_data={"interruption-level": "time-sensitive"}
                )
            ),
        ),
        webpush=messaging.WebpushConfig(
            headers={"TTL": "3600", "Urgency": "very-low"}, notification=messaging.WebpushNotification(tag="match-7")
        ),
    )
    ours, expected = build_message(content=PushContent("t", "b", options=options)), json.loads(str(theirs))
    expected["android"]["priority"] = expected["android"]["priority"].upper()  # the name of the enum in FCM's document
    assert [ours[name] for name in ("android", "apns", "webpush")] == [expected[name] for name in ("android", "apns", "webpush")]


def test_one_option_changes_nothing_else() -> None:
    content = PushContent("Your order", "It is on its way.", {"order": "17"}, options=PushOptions(sound="a"))
    usual, message = build_message(), build_message(content=content)
    assert message.pop("apns")["payload"] == {"aps": {"sound": "a"}}
    assert message.pop("android")["notification"].pop("sound") == "a"
    assert message == {name: value for name, value in usual.items() if name not in ("apns", "android")}


def test_data_of_the_notification_cannot_hide_the_delivery() -> None:
    assert build_message(content=PushContent("t", "b", {"delivery_id": "forged"}))["data"]["delivery_id"] == build_delivery("push").id


@pytest.mark.parametrize(("left", "seconds"), [(59.9, 59), (0, 0), (-5, 0), (90 * 86_400, 28 * 86_400)])
def test_fcm_may_deliver_until_the_expiry_and_at_most_four_weeks(left: float, seconds: int) -> None:
    assert compute_ttl(NOW + left, NOW) == seconds


def test_each_attempt_uses_the_current_token() -> None:
    token = FixedToken()
    fcm, heads = Fcm("https://fcm.googleapis.com", "herold", token), []
    for token.value in ("first", "first", "second"):
        heads.append(fcm.build_request(build_delivery("push"), 0, NOW))
    used = [head.head.partition(b"Bearer ")[2].partition(b"\r")[0] for head in heads if isinstance(head, HttpRequest)]
    assert used == [b"first", b"first", b"second"]
    assert isinstance(heads[0], HttpRequest)
    assert heads[0].head.startswith(b"POST /v1/projects/herold/messages:send HTTP/1.1\r\n")


def test_a_token_that_no_header_can_contain_is_an_error_that_does_not_repeat_it() -> None:
    with pytest.raises(ValueError, match="Authorization") as caught:
        Fcm("https://fcm.googleapis.com", "herold", FixedToken("to\r\nken")).build_request(build_delivery("push"), 0, NOW)
    assert "to\r\nken" not in str(caught.value)


def build_fcm_error(code: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}


def build_violation(field: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field, "description": "wrong"}]}


def parse_result(status: int, message: str = "", *details: dict[str, Any]) -> Any:
    body = {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT", "details": list(details)}}
    return FCM.parse_result(HttpResponse(status, {}, json.dumps(body).encode()), NOW)


def test_acceptance_keeps_the_name() -> None:
    answer = HttpResponse(200, {}, b'{"name":"projects/herold/messages/0:17"}')
    assert FCM.parse_result(answer, NOW).provider_message_id == "projects/herold/messages/0:17"


@pytest.mark.parametrize(
    ("status", "code", "outcome", "reason"),
    [
        (404, "UNREGISTERED", Outcome.REJECTED_RECIPIENT, Reason.UNREGISTERED_TOKEN),
        (403, "SENDER_ID_MISMATCH", Outcome.REJECTED_RECIPIENT, Reason.SENDER_ID_MISMATCH),
        (401, "THIRD_PARTY_AUTH_ERROR", Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (401, "APNS_AUTH_ERROR", Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (429, "QUOTA_EXCEEDED", Outcome.THROTTLED, ""),
        (500, "INTERNAL", Outcome.UNKNOWN, ""),
        (503, "UNAVAILABLE", Outcome.UNKNOWN, ""),
    ],
)
def test_codes(status: int, code: str, outcome: Outcome, reason: str) -> None:
    found = parse_result(status, "", build_fcm_error(code))
    assert (found.outcome, found.reason, found.provider_code) == (outcome, reason, status)
    assert not found.is_account_fault  # Android works while the certificate for APNs is wrong


def test_an_unregistered_token_is_bounced() -> None:
    assert parse_result(404, "", build_fcm_error("UNREGISTERED")).status is Status.BOUNCED


INVALID = "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("message", "details", "outcome"),
    [
        ("The registration token is not a valid FCM registration token", [build_fcm_error(INVALID)], Outcome.REJECTED_RECIPIENT),
        ("Request contains an invalid argument.", [build_violation("message.token"), build_fcm_error(INVALID)], Outcome.REJECTED_RECIPIENT),
        ("Request contains an invalid argument.", [build_violation("message.fid")], Outcome.REJECTED_RECIPIENT),
        ("Invalid value", [build_violation("message.notification.title")], Outcome.REJECTED_PERMANENT),
        ("Invalid value", [build_violation("message.token"), build_violation("message.data[0]")], Outcome.REJECTED_PERMANENT),
        ("Message is too big", [build_fcm_error(INVALID)], Outcome.REJECTED_PERMANENT),
        ("", [], Outcome.REJECTED_PERMANENT),
    ],
)
def test_a_400_rejects_the_token_only_if_it_is_about_the_token(message: str, details: list[dict[str, Any]], outcome: Outcome) -> None:
    found = parse_result(400, message, *details)
    assert (found.outcome, found.reason == Reason.INVALID_TOKEN) == (outcome, outcome is Outcome.REJECTED_RECIPIENT)


def test_a_rejection_names_the_fields() -> None:
    violations = [build_violation("message.data[0]"), build_violation("message.notification.title")]
    assert parse_result(400, "Invalid value", *violations).detail == "FCM rejected message.data[0], message.notification.title"
    assert parse_result(400, "Message is too big").detail == "FCM rejected the message and named no field of it"


def test_a_page_of_another_server_is_not_a_missing_project() -> None:
    page = FCM.parse_result(HttpResponse(404, {}, b"<html>not here</html>"), NOW)
    assert (page.reason, "providers.fcm.url" in page.detail) == (Reason.MISCONFIGURED, True)
    assert "providers.fcm.project_id" in parse_result(404, "no such project").detail


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_http_status_without_an_error_code_is_misconfigured(status: int) -> None:
    found = parse_result(status)
    assert (found.reason, found.is_account_fault) == (Reason.MISCONFIGURED, True)


@pytest.mark.parametrize(
    ("status", "details", "count"), [(401, [], 1), (401, [build_fcm_error("APNS_AUTH_ERROR")], 0), (403, [], 0), (500, [], 0)]
)
def test_only_a_rejected_token_is_renewed(status: int, details: list[dict[str, Any]], count: int) -> None:
    token = FixedToken()
    body = json.dumps({"error": {"code": status, "details": details}}).encode()
    Fcm("https://fcm.googleapis.com", "herold", token).parse_result(HttpResponse(status, {}, body), NOW)
    assert token.rejection_count == count


def test_without_a_token_the_account_is_at_fault_and_no_call_is_made() -> None:
    found = Fcm("https://fcm.googleapis.com", "herold", FixedToken("", "no file")).build_request(build_delivery("push"), 0, NOW)
    assert isinstance(found, AttemptResult)
    assert (found.is_account_fault, found.detail) == (True, "no file")
