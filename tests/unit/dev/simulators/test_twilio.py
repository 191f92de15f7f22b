import pytest

from dev.simulators.twilio import TwilioSimulator
from tests.unit.dev.simulators.request_builders import (
    DELIVERY_ID,
    build_sms_form,
    build_twilio_request,
    decode_body,
    get_response,
    get_targets,
)

SIMULATOR = TwilioSimulator()


def test_an_accepted_message_is_created() -> None:
    response = get_response(SIMULATOR, build_twilio_request(build_sms_form(Body="Grüße & mehr + 1")))
    message = decode_body(response)
    assert response.status == 201
    assert {name: message[name] for name in ("account_sid", "to", "from", "body", "status", "num_segments", "error_code")} == {
        "account_sid": "AC1",
        "to": "+4366012345678",
        "from": "+15005550006",
        "body": "Grüße & mehr + 1",
        "status": "queued",
        "num_segments": "1",
        "error_code": None,
    }
    assert message["sid"] == "SM" + "0" * 29 + "abc"
    assert message["uri"] == f"/2010-04-01/Accounts/AC1/Messages/{message['sid']}.json"
    assert message["date_created"] == "Thu, 09 Oct 2025 08:53:20 +0000"


@pytest.mark.parametrize(("smart", "segments"), [("true", "1"), ("false", "2")])
def test_segments_are_counted_with_smart_encoding_if_it_is_asked_for(smart: str, segments: str) -> None:
    form = build_sms_form(Body="…" + "a" * 100, SmartEncoded=smart)
    assert decode_body(get_response(SIMULATOR, build_twilio_request(form)))["num_segments"] == segments


def test_a_messaging_service_selects_the_sender_later() -> None:
    message = decode_body(get_response(SIMULATOR, build_twilio_request(build_sms_form(From="", MessagingServiceSid="MG1"))))
    assert (message["from"], message["messaging_service_sid"], message["status"], message["num_segments"]) == (None, "MG1", "accepted", "0")


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
    response = get_response(SIMULATOR, build_twilio_request(build_sms_form(), {b"authorization": authorization}))
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
        decode_body(get_response(SIMULATOR, build_twilio_request(build_sms_form(), path=b"/2010-04-01/Accounts/AC1/Calls.json")))["code"]
        == 20404
    )
    assert get_response(SIMULATOR, build_twilio_request(build_sms_form())._replace(oversize=True)).status == 413
    assert get_response(SIMULATOR, build_twilio_request(build_sms_form())._replace(body=b"\xff&&=%zz")).status == 400
