import pytest

from dev.simulators.sendgrid import SendGridSimulator
from dev.simulators.stubs import Stub, StubResponse
from tests.unit.dev.simulators.request_builders import (
    BEARER_HEADERS,
    CONTEXT,
    DELIVERY_ID,
    NOW,
    build_mail,
    build_sendgrid_request,
    decode_body,
    get_response,
    get_targets,
    is_valid,
)

SIMULATOR = SendGridSimulator()


def build_personalizations(*emails: str, **fields: object) -> list[dict[str, object]]:
    """Build a list with one personalization."""
    return [{"to": [{"email": email} for email in emails], **fields}]


def test_an_accepted_mail_has_a_message_id_and_no_body() -> None:
    response = get_response(SIMULATOR, build_sendgrid_request(build_mail()))
    assert (response.status, response.body, response.headers) == (202, b"", b"X-Message-Id: abc\r\n")
    assert get_targets(SIMULATOR, build_sendgrid_request(build_mail())) == [(DELIVERY_ID, "a@example.org")]


def test_each_personalization_is_a_delivery() -> None:
    request = build_sendgrid_request(
        build_mail(
            personalizations=build_personalizations("a@x.org", custom_args={"delivery_id": "d-1"}) + build_personalizations("b@x.org")
        )
    )
    assert get_targets(SIMULATOR, request) == [("d-1", "a@x.org"), ("", "b@x.org")]


@pytest.mark.parametrize("authorization", [b"", b"Basic QUM6dA==", b"Bearer SG.revoked"])
def test_an_invalid_key_gets_401(authorization: bytes) -> None:
    response = get_response(SIMULATOR, build_sendgrid_request(build_mail(), {b"authorization": authorization}))
    assert response.status == 401
    assert decode_body(response)["errors"][0]["field"] is None


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"personalizations": None}, "personalizations", "at least one personalization"),
        ({"personalizations": []}, "personalizations", "at least one personalization"),
        ({"personalizations": [{}]}, "personalizations.0.to", "to array is required"),
        ({"personalizations": build_personalizations()}, "personalizations.0.to", "to array is required"),
        (
            {"personalizations": build_personalizations("a@x.org") + build_personalizations("nobody")},
            "personalizations.1.to.0.email",
            "valid address",
        ),
        (
            {"personalizations": build_personalizations("a@x.org", cc=[{"email": "a b@x.org"}])},
            "personalizations.0.cc.0.email",
            "valid address",
        ),
        ({"personalizations": build_personalizations("a@x.org", "A@x.org")}, "personalizations.0", "unique"),
        (
            {"personalizations": build_personalizations(*(f"u{number}@x.org" for number in range(1001)))},
            "personalizations",
            "limit of 1000 total recipients",
        ),
        ({"from": None}, "from", "from object must be provided"),
        ({"from": {"email": "shop"}}, "from.email", "valid address"),
        ({"subject": None}, "subject", "subject is required"),
        ({"subject": 5}, "subject", "Expected `str`, got `int`"),
        ({"content": None}, "content", "content parameter is required"),
        ({"content": [{"type": "", "value": "x"}]}, "content.0.type", "at least one character"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value", "at least one character"),
    ],
)
def test_an_invalid_mail_gets_400_with_the_field(changes: dict[str, object], field: str, message: str) -> None:
    response = get_response(SIMULATOR, build_sendgrid_request(build_mail(**changes)))
    error = decode_body(response)["errors"][0]
    assert (response.status, error["field"]) == (400, field)
    assert message in error["message"]
    assert error["help"].endswith(
        "errors.html#message." + "".join(part for part in field if not part.isdigit()).replace("..", ".").strip(".")
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"subject":"\xff"}'])
def test_a_body_that_is_not_json_gets_400(body: bytes) -> None:
    assert get_response(SIMULATOR, build_sendgrid_request(body)).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"content": None, "subject": None, "template_id": "d-" + "1" * 32},
        {"subject": None, "personalizations": build_personalizations("a@x.org", subject="Hello")},
        {"personalizations": build_personalizations("a@x.org", cc=[{"email": "b@x.org"}])},
        {"categories": ["x"], "tracking_settings": {"click_tracking": {"enable": False}}},
    ],
)
def test_other_valid_mails(changes: dict[str, object]) -> None:
    assert is_valid(SIMULATOR, build_sendgrid_request(build_mail(**changes)))


@pytest.mark.parametrize(
    ("address", "status", "field"),
    [
        ("bounce@example.org", 400, "personalizations.0.to.0.email"),
        ("reject@example.org", 400, "content.0.value"),
        ("throttle@example.org", 429, None),
        ("fail@example.org", 500, None),
    ],
)
def test_stub_responses(address: str, status: int, field: str | None) -> None:
    response = get_response(SIMULATOR, build_sendgrid_request(build_mail(address)))
    assert (response.status, decode_body(response)["errors"][0]["field"]) == (status, field)


def test_mail_to_an_unsubscribed_recipient_is_accepted() -> None:
    assert get_response(SIMULATOR, build_sendgrid_request(build_mail("unsubscribed@example.org"))).status == 202


def test_a_throttled_response_has_the_reset_time() -> None:
    headers = SIMULATOR.build_response(None, Stub(StubResponse.THROTTLE), CONTEXT).headers
    assert b"X-RateLimit-Remaining: 0\r\n" in headers
    assert b"X-RateLimit-Reset: %d\r\n" % (int(NOW) + 1) in headers


def test_an_unknown_path_gets_404_an_oversize_body_413_and_another_method_405() -> None:
    assert get_response(SIMULATOR, build_sendgrid_request(build_mail())._replace(path=b"/v3/mail/send/batch")).status == 404
    assert get_response(SIMULATOR, build_sendgrid_request(b"", BEARER_HEADERS)._replace(oversize=True)).status == 413
    assert get_response(SIMULATOR, build_sendgrid_request(b"", BEARER_HEADERS, b"GET")).status == 405


def test_a_mail_in_the_sandbox_is_checked_and_not_sent() -> None:
    sandbox = {"mail_settings": {"sandbox_mode": {"enable": True}}}
    response = get_response(SIMULATOR, build_sendgrid_request(build_mail(**sandbox)))
    assert (response.status, response.headers) == (200, b"")
    assert get_response(SIMULATOR, build_sendgrid_request(build_mail(**sandbox, subject=5))).status == 400
    assert get_response(SIMULATOR, build_sendgrid_request(build_mail(mail_settings={"sandbox_mode": {"enable": False}}))).status == 202
