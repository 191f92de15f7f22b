"""What the vendors' documents do not allow is rejected: one case for each kind, in tables of the field and the value."""

from typing import Any

import pytest

from dev.simulators.contracts.loader import load_contract
from dev.simulators.fcm import FcmSimulator
from dev.simulators.protocol import ServerRequest
from dev.simulators.sendgrid import SendGridSimulator
from dev.simulators.twilio import TwilioSimulator
from dev.simulators.webhook import WebhookSimulator
from tests.unit.dev.simulators.request_builders import (
    BASIC_HEADERS,
    BEARER_HEADERS,
    NOW,
    build_fcm_request,
    build_mail,
    build_sendgrid_request,
    build_sms_form,
    build_twilio_request,
    build_webhook_request,
    decode_body,
    get_response,
    is_valid,
)

SENDGRID, TWILIO, FCM, WEBHOOK = SendGridSimulator(lambda: NOW), TwilioSimulator(), FcmSimulator(), WebhookSimulator()
PERSON = {"email": "a@example.org"}
WEEKS_4 = 28 * 86_400

# the path of a field in dots, and a value that it must not have; `*` stands for the only personalization
MAIL_CASES: list[tuple[str, Any]] = [
    ("personalizations", "a@example.org"),
    ("personalizations", [{"to": [{"email": f"u{number}@example.org"}]} for number in range(1001)]),
    ("*", "a@example.org"),
    ("*.to", PERSON),
    ("*.to", ["a@example.org"]),
    ("*.to", [{}]),
    ("*.to", [{"name": "Ada"}]),
    ("*.to", [{"email": None}]),
    ("*.to", [{"email": 5}]),
    ("*.to", [{"email": ""}]),
    ("*.to", [{"email": "ada"}]),
    ("*.to", [{"email": "ada@localhost"}]),
    ("*.to", [{"email": "a..b@example.org"}]),
    ("*.to", [{"email": ".a@example.org"}]),
    ("*.to", [{"email": "a.@example.org"}]),
    ("*.to", [{"email": "a@-example.org"}]),
    ("*.to", [{"email": "a@example..org"}]),
    ("*.to", [{"email": "a@example.org."}]),
    ("*.to", [{"email": "a@b@example.org"}]),
    ("*.to", [{"email": "a b@example.org"}]),
    ("*.to", [{"email": "a@exa mple.org"}]),
    ("*.to", [{"email": "mailto:a@example.org"}]),
    ("*.to", [{"email": "Ada <a@example.org>"}]),
    ("*.to", [{"email": "a@example.org\n"}]),
    ("*.to", [{"email": "a@example.org,b@example.org"}]),
    ("*.to", [{"email": "ä@example.org"}]),
    ("*.to", [{"email": "a@exämple.org"}]),
    ("*.to", [{"email": "a" * 310 + "@example.org"}]),
    ("*.to", [{"email": "a@example.org", "name": 5}]),
    ("*.cc", PERSON),
    ("*.cc", [{"email": "ada"}]),
    ("*.cc", [{"email": "A@example.org"}]),
    ("*.cc", [{"email": f"u{number}@example.org"} for number in range(1001)]),
    ("*.bcc", [{"email": f"u{number}@example.org"} for number in range(1000)]),
    ("*.bcc", "a@example.org"),
    ("*.from", {"name": "Shop"}),
    ("*.from", {"email": "shop"}),
    ("*.subject", ""),
    ("*.subject", 5),
    ("*.headers", ["X-Order: 17"]),
    ("*.headers", {"X-Order": 17}),
    ("*.headers", {"To": "b@example.org"}),
    ("*.headers", {"DKIM-Signature": "x"}),
    ("*.substitutions", ["x"]),
    ("*.substitutions", {"-name-": 5}),
    ("*.substitutions", {"-name-": "x" * 10_000}),
    ("*.dynamic_template_data", ["x"]),
    ("*.custom_args", "order=17"),
    ("*.custom_args", {"order": 17}),
    ("*.custom_args", {"order": {"id": "17"}}),
    ("*.custom_args", {"order": "x" * 10_000}),
    ("*.send_at", "tomorrow"),
    ("*.send_at", 1.5),
    ("*.send_at", -1),
    ("*.send_at", int(NOW) + 72 * 3600 + 60),
    ("from", "shop@example.org"),
    ("from", {"email": "shop"}),
    ("from", {"email": 5}),
    ("from", {"name": "Shop"}),
    ("from", {"email": "shop@example.org", "name": ["Shop"]}),
    ("from", None),
    ("reply_to", "shop@example.org"),
    ("reply_to", {"name": "Shop"}),
    ("reply_to", {"email": "shop"}),
    ("reply_to", {"email": "shop@example.org", "name": 5}),
    ("reply_to_list", {"email": "shop@example.org"}),
    ("reply_to_list", [{"email": "shop"}]),
    ("reply_to_list", [PERSON, {"email": "A@example.org"}]),
    ("reply_to_list", [{"email": f"u{number}@example.org"} for number in range(1001)]),
    ("subject", ""),
    ("subject", ["Shipped"]),
    ("content", "On its way."),
    ("content", {"type": "text/plain", "value": "x"}),
    ("content", ["x"]),
    ("content", [{"type": "text/plain"}]),
    ("content", [{"value": "x"}]),
    ("content", [{"type": "", "value": "x"}]),
    ("content", [{"type": "text/plain", "value": ""}]),
    ("content", [{"type": "text/plain", "value": 5}]),
    ("content", [{"type": "text/plain; charset=utf-8", "value": "x"}]),
    ("content", [{"type": "text/plain\r\nX: y", "value": "x"}]),
    ("content", [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]),
    ("content", [{"type": "text/calendar", "value": "x"}, {"type": "text/plain", "value": "x"}]),
    ("content", [{"type": "text/plain", "value": "x"}, {"type": "text/plain", "value": "y"}]),
    ("attachments", {"content": "eA==", "filename": "x"}),
    ("attachments", ["x"]),
    ("attachments", [{"content": "eA=="}]),
    ("attachments", [{"filename": "x"}]),
    ("attachments", [{"content": "", "filename": "x"}]),
    ("attachments", [{"content": "not base64!", "filename": "x"}]),
    ("attachments", [{"content": 5, "filename": "x"}]),
    ("attachments", [{"content": "eA==", "filename": ""}]),
    ("attachments", [{"content": "eA==", "filename": "x\r\ny"}]),
    ("attachments", [{"content": "eA==", "filename": "x", "type": ""}]),
    ("attachments", [{"content": "eA==", "filename": "x", "type": "text/plain; charset=utf-8"}]),
    ("attachments", [{"content": "eA==", "filename": "x", "disposition": "below"}]),
    ("attachments", [{"content": "eA==", "filename": "x", "content_id": 5}]),
    ("template_id", "order-shipped"),
    ("template_id", "d-123"),
    ("template_id", 5),
    ("headers", "X-Order: 17"),
    ("headers", {"X-Order": 17}),
    ("headers", {"Subject": "x"}),
    ("headers", {"x-sg-id": "x"}),
    ("headers", {"X Order": "17"}),
    ("headers", {"X-Order": "17\r\nBcc: b@example.org"}),
    ("categories", "orders"),
    ("categories", [5]),
    ("categories", ["x" * 256]),
    ("categories", [f"c{number}" for number in range(11)]),
    ("categories", ["orders", "orders"]),
    ("custom_args", "order=17"),
    ("custom_args", {"order": 17}),
    ("custom_args", {"order": "x" * 10_000}),
    ("send_at", "2026-01-01T00:00:00Z"),
    ("send_at", True),
    ("send_at", int(NOW) + 72 * 3600 + 60),
    ("batch_id", 5),
    ("asm", 5),
    ("asm", {}),
    ("asm", {"group_id": "5"}),
    ("asm", {"group_id": 5, "groups_to_display": 5}),
    ("asm", {"group_id": 5, "groups_to_display": ["5"]}),
    ("asm", {"group_id": 5, "groups_to_display": list(range(26))}),
    ("ip_pool_name", "x"),
    ("ip_pool_name", "x" * 65),
    ("mail_settings", []),
    ("mail_settings", {"sandbox_mode": True}),
    ("mail_settings", {"sandbox_mode": {"enable": "true"}}),
    ("mail_settings", {"footer": {"enable": True, "text": 5}}),
    ("mail_settings", {"bypass_list_management": {"enable": True}, "bypass_spam_management": {"enable": True}}),
    ("tracking_settings", {"click_tracking": {"enable": 1}}),
    ("tracking_settings", {"open_tracking": {"enable": True, "substitution_tag": 5}}),
]

SMS_CASES: list[tuple[str, str, int]] = [
    ("To", "12345", 21211),
    ("To", "+0123456789", 21211),
    ("To", "+43660123456789012", 21211),
    ("To", "+43 660 1234567", 21211),
    ("To", "+4366012345678\n", 21211),
    ("To", "+43660１２３４５６", 21211),
    ("From", "12", 21212),
    ("From", "+0123456789", 21212),
    ("From", "A much too long name", 21212),
    ("From", "Shop!", 21212),
    ("MessagingServiceSid", "MG1", 21705),
    ("MessagingServiceSid", "MG" + "g" * 32, 21705),
    ("MessagingServiceSid", "mg" + "1" * 32, 21705),
    ("MessagingServiceSid", "AC" + "1" * 32, 21705),
    ("MessagingServiceSid", "MG" + "1" * 33, 21705),
    ("ContentSid", "HX1", 20422),
    ("ContentSid", "CH" + "1" * 32, 20422),
    ("ApplicationSid", "AP1", 20422),
    ("StatusCallback", "/callbacks", 21609),
    ("StatusCallback", "herold.example.org/callbacks", 21609),
    ("StatusCallback", "//herold.example.org/callbacks", 21609),
    ("StatusCallback", "ftp://herold.example.org/callbacks", 21609),
    ("StatusCallback", "https://", 21609),
    ("StatusCallback", "https:///callbacks", 21609),
    ("StatusCallback", "https://my_host.example.org/callbacks", 21609),
    ("StatusCallback", "https://-host.example.org/callbacks", 21609),
    ("StatusCallback", "https://host.example.org:0/callbacks", 21609),
    ("StatusCallback", "https://host.example.org:99999/callbacks", 21609),
    ("StatusCallback", "https://host.example.org/call backs", 21609),
    ("StatusCallback", "https://host.example.org/\ncallbacks", 21609),
    ("StatusCallback", "https://[::1/callbacks", 21609),
    ("StatusCallback", "https://host.example.org/" + "x" * 4000, 21609),
    ("MediaUrl", "/image.png", 21620),
    ("MediaUrl", "data:image/png;base64,eA==", 21620),
    ("ValidityPeriod", "soon", 90007),
    ("ValidityPeriod", "1.5", 90007),
    ("ValidityPeriod", "0", 90007),
    ("ValidityPeriod", "-5", 90007),
    ("ValidityPeriod", "36001", 90007),
    ("ValidityPeriod", "1e3", 90007),
    ("ValidityPeriod", "٣", 90007),
    ("Attempt", "one", 20422),
    ("Attempt", "-1", 20422),
    ("MaxPrice", "cheap", 20422),
    ("MaxPrice", "-0.5", 20422),
    *(
        (name, value, 20422)
        for name in ("ProvideFeedback", "ForceDelivery", "SmartEncoded", "ShortenUrls", "SendAsMms")
        for value in ("yes", "1")
    ),
    ("ContentRetention", "keep", 20422),
    ("ContentRetention", "Retain", 20422),
    ("AddressRetention", "discard", 20422),
    ("TrafficType", "paid", 20422),
    ("RiskCheck", "on", 20422),
    ("ScheduleType", "later", 35112),
    ("SendAt", "tomorrow", 35114),
    ("SendAt", "2026-01-01", 35114),
    ("SendAt", "2026-01-01 10:00:00Z", 35114),
    ("ContentVariables", "x", 20422),
    ("ContentVariables", "[1]", 20422),
    ("Body", "x" * 1601, 21617),
    ("Body", "\U0001f600" * 801, 21617),
]

PUSH_CASES: list[tuple[str, Any]] = [
    ("token", 5),
    ("token", ["device-3"]),
    ("fid", "f1"),
    ("topic", "news"),
    ("condition", "'news' in topics"),
    ("colour", "red"),
    ("data", [["a", "b"]]),
    ("data", "a=b"),
    ("data", {"order": 17}),
    ("data", {"order": None}),
    ("data", {"order": True}),
    ("data", {"order": {"id": "17"}}),
    ("data", {"order": ["17"]}),
    ("data", {"order": "x" * 4096}),
    *(("data", {name: "1"}) for name in ("from", "message_type", "gcm", "gcm.n", "google.x", "google", "googles", "gcm.notification.x")),
    ("android.data", {"from": "1"}),
    ("android.data", {"order": 17}),
    ("notification", "Shipped"),
    ("notification", ["Shipped"]),
    *((f"notification.{name}", value) for name in ("title", "body", "image") for value in (5, True, ["x"], {})),
    ("notification.subtitle", "x"),
    ("notification.title", "x" * 4096),
    ("android", "high"),
    ("android.priority", "urgent"),
    ("android.priority", True),
    ("android.collapse_key", 5),
    ("android.colour", "red"),
    *(
        (f"android.{name}", value)
        for name in ("ttl",)
        for value in ("1h", "60", 60, "-1s", "1.s", "s", " 60s", "60s ", "1e3s", "1.0123456789s")
    ),
    ("android.ttl", f"{WEEKS_4 + 1}s"),
    ("android.ttl", f"{WEEKS_4}.5s"),
    ("android.ttl", "99999999s"),
    ("android.restricted_package_name", 5),
    ("android.direct_boot_ok", "yes"),
    ("android.directBootOk", 1),
    ("android.fcm_options", []),
    ("android.fcm_options.analytics_label", "two words"),
    ("android.fcm_options.analytics_label", "x" * 51),
    ("android.notification", "x"),
    ("android.notification.title", 5),
    ("android.notification.color", "red"),
    ("android.notification.color", "#ff00"),
    ("android.notification.tag", 5),
    ("android.notification.sticky", "true"),
    ("android.notification.notification_count", 1.5),
    ("android.notification.notification_count", 2**31),
    ("android.notification.notification_count", "many"),
    ("android.notification.notification_priority", "PRIORITY_HIGHEST"),
    ("android.notification.visibility", "FRIENDS"),
    ("android.notification.proxy", "MAYBE"),
    ("android.notification.event_time", "yesterday"),
    ("android.notification.event_time", 1_760_000_000),
    ("android.notification.vibrate_timings", "1s"),
    ("android.notification.vibrate_timings", ["1m"]),
    ("android.notification.body_loc_args", "x"),
    ("android.notification.body_loc_args", [5]),
    ("android.notification.light_settings", {"color": "red", "light_on_duration": "1s", "light_off_duration": "1s"}),
    ("android.notification.light_settings", {"color": {"red": 2}, "light_on_duration": "1s", "light_off_duration": "1s"}),
    ("android.notification.light_settings", {"color": {"red": 1}, "light_on_duration": "1h", "light_off_duration": "1s"}),
    ("android.notification.subtitle", "x"),
    ("android_v2", {}),
    ("apns", "x"),
    ("apns.headers", ["apns-priority: 5"]),
    ("apns.headers", {"apns-priority": 5}),
    ("apns.headers", {"apns-priority": "7"}),
    ("apns.headers", {"apns-collapse-id": "x" * 65}),
    ("apns.headers", {"apns-expiration": "soon"}),
    ("apns.headers", {"apns-push-type": "loud"}),
    ("apns.payload", "x"),
    ("apns.payload", ["x"]),
    ("apns.fcm_options", {"image": 5}),
    ("apns.fcm_options", {"colour": "red"}),
    ("apns.live_activity_token", 5),
    ("apns.priority", "5"),
    ("webpush", "x"),
    ("webpush.headers", {"TTL": 60}),
    ("webpush.headers", {"TTL": "1h"}),
    ("webpush.headers", {"Urgency": "urgent"}),
    ("webpush.headers", {"Topic": "two words"}),
    ("webpush.data", {"order": 17}),
    ("webpush.notification", "x"),
    ("webpush.fcm_options.link", "http://shop.example.org"),
    ("webpush.fcm_options.link", "/orders/17"),
    ("webpush.fcm_options.link", 5),
    ("webpush.link", "https://shop.example.org"),
    ("fcm_options", "x"),
    ("fcm_options.analytics_label", "ä"),
]
TOPIC_CASES: list[dict[str, Any]] = [
    *({"topic": topic} for topic in ("/topics/news", "news/sport", "two words", "ä", "a+b")),
    {"topic": "news", "data": {"a": "x" * 2048}},
    {"topic": "news", "notification": {"title": "x" * 2044}},
    *({"condition": text} for text in ("news", "'news'", "'a' in topics &&", "'a' in topics and 'b' in topics", "'a/b' in topics")),
    {"condition": " || ".join(f"'t{number}' in topics" for number in range(6))},
]
CONTENT_TYPES = [b"", b"text/plain", b"application/xml", b"multipart/form-data; boundary=x", b"application/json-seq"]
BODIES = [b"", b"{", b"[]", b"null", b"5", b"\xff", b'{"a":1}{"b":2}']
ACCOUNTS = [b"AC1", b"AC" + b"g" * 32, b"SK" + b"1" * 32, b"AC" + b"1" * 33]


def change_field(body: dict[str, Any], path: str, value: Any) -> None:
    """Set the field of this path; objects on the way are made."""
    *parents, name = path.split(".")
    for parent in parents:
        body = body.setdefault(parent, {})
    body[name] = value


def build_malformed_mail(path: str, value: Any) -> ServerRequest:
    """A mail with this value at the path."""
    mail = build_mail()
    if path == "*":
        mail["personalizations"] = [value]
    elif path.startswith("*."):
        change_field(mail["personalizations"][0], path[2:], value)
    else:
        mail[path] = value
    if path == "reply_to_list":
        mail["reply_to"] = None
        del mail["reply_to"]
    return build_sendgrid_request(mail)


def build_malformed_push(path: str, value: Any) -> ServerRequest:
    """A message to a token with this value at the path."""
    message: dict[str, Any] = {"token": "device-3", "notification": {"title": "Shipped"}, "android": {"ttl": "60s"}}
    change_field(message, path, value)
    return build_fcm_request(message)


def test_there_are_as_many_kinds_as_were_found_once() -> None:
    tables = (MAIL_CASES, SMS_CASES, PUSH_CASES, TOPIC_CASES, ACCOUNTS, 4 * CONTENT_TYPES, 2 * BODIES)
    assert sum(map(len, tables)) > 201


@pytest.mark.parametrize(("path", "value"), MAIL_CASES, ids=lambda value: str(value)[:40])
def test_sendgrid_rejects_a_field(path: str, value: Any) -> None:
    response = get_response(SENDGRID, build_malformed_mail(path, value))
    assert response.status == 400
    field = decode_body(response)["errors"][0]["field"]
    assert field.startswith(path.replace("*", "personalizations.0").split(".")[0])


@pytest.mark.parametrize(("name", "value", "code"), SMS_CASES, ids=lambda value: str(value)[:40])
def test_twilio_rejects_a_parameter(name: str, value: str, code: int) -> None:
    response = get_response(TWILIO, build_twilio_request(build_sms_form(**{name: value})))
    assert (response.status, decode_body(response)["code"]) == (400, code)


def test_twilio_rejects_too_many_media_and_an_incomplete_schedule() -> None:
    form = build_sms_form(MediaUrl="https://shop.example.org/1.png")
    request = build_twilio_request(form)
    more = b"&MediaUrl=https%3A%2F%2Fshop.example.org%2F1.png"
    assert is_valid(TWILIO, request._replace(body=request.body + 9 * more))
    assert decode_body(get_response(TWILIO, request._replace(body=request.body + 10 * more)))["code"] == 21620
    assert decode_body(get_response(TWILIO, build_twilio_request(build_sms_form(ScheduleType="fixed"))))["code"] == 35111
    scheduled = build_sms_form(ScheduleType="fixed", SendAt="2026-01-01T10:00:00Z")
    assert decode_body(get_response(TWILIO, build_twilio_request(scheduled)))["code"] == 35118


@pytest.mark.parametrize("account", ACCOUNTS)
def test_twilio_knows_no_account_with_a_malformed_sid(account: bytes) -> None:
    path = b"/2010-04-01/Accounts/%b/Messages.json" % account
    assert get_response(TWILIO, build_twilio_request(build_sms_form(), path=path)).status == 404


@pytest.mark.parametrize(("path", "value"), PUSH_CASES, ids=lambda value: str(value)[:40])
def test_fcm_rejects_a_field(path: str, value: Any) -> None:
    response = get_response(FCM, build_malformed_push(path, value))
    assert (response.status, decode_body(response)["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("message", TOPIC_CASES, ids=lambda value: str(value)[:40])
def test_fcm_rejects_a_topic_or_condition(message: dict[str, Any]) -> None:
    assert get_response(FCM, build_fcm_request(message)).status == 400


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_wrong_or_missing_content_type_is_rejected(content_type: bytes) -> None:
    header = {b"content-type": content_type} if content_type else {}
    bearer, basic = ({b"authorization": headers[b"authorization"], **header} for headers in (BEARER_HEADERS, BASIC_HEADERS))
    assert get_response(SENDGRID, build_sendgrid_request(build_mail(), bearer)).status == 415
    sms = get_response(TWILIO, build_twilio_request(build_sms_form(), basic))
    assert (sms.status, decode_body(sms)["code"]) == (400, 21604), "Twilio reads no parameters then"
    assert get_response(FCM, build_fcm_request({"token": "device-3"}, bearer)).status == 400
    request = build_webhook_request()
    headers = {name: value for name, value in request.headers.items() if name != b"content-type"}
    assert get_response(WEBHOOK, request._replace(headers={**headers, **header})).status == 415


@pytest.mark.parametrize("content_type", [b"application/json; charset=utf-8", b"Application/JSON"])
def test_parameters_and_case_of_the_content_type_do_not_count(content_type: bytes) -> None:
    headers = {**BEARER_HEADERS, b"content-type": content_type}
    assert is_valid(SENDGRID, build_sendgrid_request(build_mail(), headers))
    assert is_valid(FCM, build_fcm_request({"token": "device-3"}, headers))


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_no_json_object_is_rejected(body: bytes) -> None:
    assert get_response(SENDGRID, build_sendgrid_request(body)).status == 400
    assert get_response(FCM, build_fcm_request(body)).status == 400


def test_a_mail_with_every_field_is_accepted() -> None:
    mail = build_mail(
        personalizations=[
            {
                "to": [{"email": "a@example.org", "name": "Ada"}],
                "cc": [{"email": "o'hara+x@sub.example.co.uk"}],
                "bcc": [{"email": "c@xn--bcher-kva.example"}],
                "from": PERSON,
                "subject": "Hi",
                "headers": {"X-Order": "17"},
                "substitutions": {"-name-": "Ada"},
                "custom_args": {"order": "17"},
                "send_at": int(NOW) + 3600,
            }
        ],
        reply_to={"email": "help@example.org", "name": "Help"},
        content=[{"type": "text/plain", "value": "x"}, {"type": "text/html", "value": "x"}, {"type": "text/calendar", "value": "x"}],
        attachments=[{"content": "eA==", "filename": "x.txt", "type": "text/plain", "disposition": "inline", "content_id": "x"}],
        headers={"List-Unsubscribe": "<https://shop.example.org/u>"},
        categories=["orders", "x" * 255],
        custom_args={"run": "1"},
        send_at=int(NOW) + 72 * 3600,
        batch_id="b",
        asm={"group_id": 1, "groups_to_display": [1, 2]},
        ip_pool_name="pool",
        mail_settings={
            "sandbox_mode": {"enable": False},
            "bypass_spam_management": {"enable": True},
            "footer": {"enable": True, "text": "x"},
        },
        tracking_settings={"click_tracking": {"enable": True, "enable_text": False}, "ganalytics": {"enable": True, "utm_source": "x"}},
    )
    assert is_valid(SENDGRID, build_sendgrid_request(mail))


def test_a_text_message_with_every_parameter_is_accepted() -> None:
    form = build_sms_form(
        From="Shop",
        MessagingServiceSid="MG" + "aB" * 16,
        MediaUrl="https://shop.example.org/1.png",
        ContentSid="HX" + "1" * 32,
        ApplicationSid="AP" + "1" * 32,
        StatusCallback="http://127.0.0.1:8000/v1/callbacks/twilio?delivery=dlv_1#rc=5",
        ValidityPeriod="36000",
        Attempt="1",
        MaxPrice="0.05",
        SmartEncoded="True",
        ShortenUrls="false",
        ContentRetention="retain",
        AddressRetention="obfuscate",
        TrafficType="free",
        RiskCheck="enable",
        ScheduleType="fixed",
        SendAt="2026-01-01T10:00:00.5+01:00",
        ContentVariables='{"1":"Ada"}',
        Unknown="1",
    )
    assert is_valid(TWILIO, build_twilio_request(form))


@pytest.mark.parametrize("spelling", ["snake", "camel"])
def test_a_push_message_is_accepted_in_both_spellings(spelling: str) -> None:
    notification = {
        "channel_id": "c",
        "notification_priority": "PRIORITY_HIGH",
        "notification_count": "3",
        "vibrate_timings": ["0.5s"],
        "color": "#ff0000",
    }
    android = {"collapse_key": "k", "ttl": f"{WEEKS_4}s", "priority": "high", "notification": notification, "direct_boot_ok": True}
    apns = {"headers": {"apns-priority": "10", "apns-collapse-id": "x" * 64, "x-other": "1"}, "payload": {"aps": {"badge": 1}}}
    webpush = {"headers": {"TTL": "60", "Urgency": "high"}, "fcm_options": {"link": "https://shop.example.org"}, "notification": {"a": 1}}
    message = {
        "token": "t",
        "data": {"order": "17"},
        "android": android,
        "apns": apns,
        "webpush": webpush,
        "fcm_options": {"analytics_label": "a"},
    }
    assert is_valid(FCM, build_fcm_request(message if spelling == "snake" else to_camel_case(message)))


def to_camel_case(value: Any) -> Any:
    """The message with the names of fields, but not of headers and data, in lowerCamelCase."""
    if not isinstance(value, dict):
        return value
    return {
        "".join(part if not number else part.title() for number, part in enumerate(name.split("_"))): content
        if name in ("headers", "data", "payload")
        else to_camel_case(content)
        for name, content in value.items()
    }


@pytest.mark.parametrize("name", ["fid", "topic"])
def test_null_and_empty_fields_are_as_if_they_were_left_out(name: str) -> None:
    assert is_valid(FCM, build_fcm_request({"token": "t", name: None, "android": None, "data": None, "notification": None}))
    assert is_valid(FCM, build_fcm_request({"token": "t", name: ""}))


def test_the_contracts_name_their_sources() -> None:
    for name in ("sendgrid_send", "twilio_create_message", "fcm_send"):
        assert all(load_contract(name)["source"])
