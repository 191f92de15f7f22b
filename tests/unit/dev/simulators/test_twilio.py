import pytest

from dev.simulators.protocol import ServerRequest
from dev.simulators.stubs import DEFAULT_STUB
from dev.simulators.twilio import TwilioSimulator
from dev.simulators.twilio_messages import parse_query
from tests.unit.dev.simulators.request_builders import (
    ACCOUNT_SID,
    BASIC_HEADERS,
    CONTEXT,
    DELIVERY_ID,
    FORM,
    MESSAGES_PATH,
    build_sms_form,
    build_twilio_request,
    decode_body,
    get_response,
    get_targets,
)

SIMULATOR = TwilioSimulator()
SERVICE_SID = "MG" + "1" * 32


def test_an_accepted_message_is_created() -> None:
    response = get_response(SIMULATOR, build_twilio_request(build_sms_form(Body="Grüße & mehr + 1")))
    message = decode_body(response)
    assert response.status == 201
    assert {name: message[name] for name in ("account_sid", "to", "from", "body", "status", "num_segments", "error_code")} == {
        "account_sid": ACCOUNT_SID,
        "to": "+4366012345678",
        "from": "+15005550006",
        "body": "Grüße & mehr + 1",
        "status": "queued",
        "num_segments": "1",
        "error_code": None,
    }
    assert message["sid"] == "SM" + "0" * 29 + "abc"
    assert message["uri"] == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{message['sid']}.json"
    assert message["date_created"] == "Thu, 09 Oct 2025 08:53:20 +0000"


@pytest.mark.parametrize(("smart", "segments"), [("true", "1"), ("false", "2")])
def test_segments_are_counted_with_smart_encoding_if_it_is_asked_for(smart: str, segments: str) -> None:
    form = build_sms_form(Body="…" + "a" * 100, SmartEncoded=smart)
    assert decode_body(get_response(SIMULATOR, build_twilio_request(form)))["num_segments"] == segments


def test_a_messaging_service_selects_the_sender_later() -> None:
    message = decode_body(get_response(SIMULATOR, build_twilio_request(build_sms_form(From="", MessagingServiceSid=SERVICE_SID))))
    assert (message["from"], message["messaging_service_sid"], message["status"], message["num_segments"]) == (
        None,
        SERVICE_SID,
        "accepted",
        "0",
    )


@pytest.mark.parametrize(
    ("callback", "delivery_id"),
    [
        (f"https://h.example/cb?delivery={DELIVERY_ID}", DELIVERY_ID),
        (f"https://h.example/cb?a=1&delivery={DELIVERY_ID}&b=2#rc=5", DELIVERY_ID),
        (f"https://h.example/cb?redelivery={DELIVERY_ID}", ""),
        (f"https://h.example/delivery={DELIVERY_ID}", ""),
        (f"https://h.example/cb#delivery={DELIVERY_ID}", ""),
        ("", ""),
    ],
)
def test_the_delivery_id_is_a_parameter_of_the_callback(callback: str, delivery_id: str) -> None:
    assert get_targets(SIMULATOR, build_twilio_request(build_sms_form(StatusCallback=callback))) == [(delivery_id, "+4366012345678")]


@pytest.mark.parametrize(
    "authorization", [b"", b"Bearer x", b"Basic QUMx", b"Basic !", b"Basic QUMxOg==", b"Basic QUMxOnJldm9rZWQ="]
)  # no colon; no base64; no password; password `revoked`
def test_invalid_credentials_get_401(authorization: bytes) -> None:
    response = get_response(SIMULATOR, build_twilio_request(build_sms_form(), {b"authorization": authorization, **FORM}))
    assert (response.status, decode_body(response)["code"]) == (401, 20003)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "12345"}, 21211),
        ({"To": "+0123456789"}, 21211),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"Body": "\U0001f600" * 801}, 21617),
    ],
)
def test_an_invalid_message_gets_400_with_the_code(changes: dict[str, str], code: int) -> None:
    response = get_response(SIMULATOR, build_twilio_request(build_sms_form(**changes)))
    error = decode_body(response)
    assert (response.status, error["status"], error["code"]) == (400, 400, code)
    assert error["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert error["message"]


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("+15005550001", 400, 21211),
        ("+15005550002", 400, 21612),
        ("+15005550003", 400, 21408),
        ("+15005550004", 400, 21610),
        ("+15005550009", 400, 21614),
        ("+15005551100", 429, 20429),
        ("+15005551200", 500, 20500),
        ("+15005551800", 400, 21617),
    ],
)
def test_stub_responses(number: str, status: int, code: int) -> None:
    response = get_response(SIMULATOR, build_twilio_request(build_sms_form(number)))
    assert (response.status, decode_body(response)["code"]) == (status, code)


def test_an_unknown_path_gets_404_and_an_oversize_body_413() -> None:
    assert (
        decode_body(get_response(SIMULATOR, build_twilio_request(build_sms_form(), path=MESSAGES_PATH.replace(b"Messages", b"Calls"))))[
            "code"
        ]
        == 20404
    )
    assert get_response(SIMULATOR, build_twilio_request(build_sms_form())._replace(oversize=True)).status == 413
    assert get_response(SIMULATOR, build_twilio_request(build_sms_form())._replace(body=b"\xff&&=%zz")).status == 400


def build_list_request(query: str, headers: dict[bytes, bytes] = BASIC_HEADERS) -> ServerRequest:
    return ServerRequest(b"GET", b"/2010-04-01/Accounts/AC1/Messages.json", query.encode(), headers, b"")


def test_accepted_messages_are_listed_newest_first_and_are_sent_after_a_second() -> None:
    simulator = TwilioSimulator()
    sids = [
        decode_body(get_response(simulator, build_twilio_request(build_sms_form(to))))["sid"] for to in ("+43660111111", "+43660222222")
    ]
    page = decode_body(get_response(simulator, build_list_request("")))
    assert [(message["sid"], message["status"]) for message in page["messages"]] == [(sid, "queued") for sid in reversed(sids)]
    (message,) = decode_body(get_response(simulator, build_list_request("To=%2B43660111111&PageSize=1")))["messages"]
    assert (message["to"], message["date_sent"]) == ("+43660111111", None)
    later = simulator.build_response(parse_query("/", b""), DEFAULT_STUB, CONTEXT._replace(now=CONTEXT.now + 1))
    assert decode_body(later)["messages"][0]["status"] == "sent"


@pytest.mark.parametrize(("query", "count"), [("DateSent%3E=2025-10-09T08:53:20Z", 1), ("DateSent%3E=2025-10-10", 0), ("To=%2B1", 0)])
def test_a_list_has_what_is_asked_for(query: str, count: int) -> None:
    simulator = TwilioSimulator()
    get_response(simulator, build_twilio_request(build_sms_form()))
    assert len(decode_body(get_response(simulator, build_list_request(query)))["messages"]) == count


@pytest.mark.parametrize(("query", "status"), [("PageSize=0", 400), ("PageSize=x", 400), ("DateSent%3E=tomorrow", 400)])
def test_a_question_that_is_not_valid_is_rejected_and_not_logged(query: str, status: int) -> None:
    assert (get_response(SIMULATOR, build_list_request(query)).status, get_targets(SIMULATOR, build_list_request(query))) == (status, [])
    assert get_response(SIMULATOR, build_list_request("", {})).status == 401
