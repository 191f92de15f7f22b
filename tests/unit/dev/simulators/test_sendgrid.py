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


def build_personalizations(*emails: str, **other: object) -> list[dict[str, object]]:
    """Personalizations with one element."""
    return [{"to": [{"email": email} for email in emails], **other}]


def test_a_mail_is_accepted_without_a_body() -> None:
    reply = get_response(SIMULATOR, build_sendgrid_request(build_mail()))
    assert (reply.status, reply.body, reply.headers) == (202, b"", b"X-Message-Id: abc\r\n")
    assert get_targets(SIMULATOR, build_sendgrid_request(build_mail())) == [(DELIVERY_ID, "a@example.org")]


def test_each_personalization_is_a_delivery() -> None:
    request = build_sendgrid_request(
        build_mail(
            personalizations=build_personalizations("a@x.org", custom_args={"delivery_id": "d-1"}) + build_personalizations("b@x.org")
        )
    )
    assert get_targets(SIMULATOR, request) == [("d-1", "a@x.org"), ("", "b@x.org")]


@pytest.mark.parametrize("authorization", [b"", b"Basic QUM6dA==", b"Bearer SG.revoked"])
def test_without_a_valid_key_it_is_401(authorization: bytes) -> None:
    reply = get_response(SIMULATOR, build_sendgrid_request(build_mail(), {b"authorization": authorization}))
    assert reply.status == 401
    assert decode_body(reply)["errors"][0]["field"] is None


@pytest.mark.parametrize(
    ("other", "field", "message"),
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
            "personalizations.0",
            "more than 1000",
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
def test_a_mail_with_a_fault_is_400_with_its_field(other: dict[str, object], field: str, message: str) -> None:
    reply = get_response(SIMULATOR, build_sendgrid_request(build_mail(**other)))
    error = decode_body(reply)["errors"][0]
    assert (reply.status, error["field"]) == (400, field)
    assert message in error["message"]
    assert error["help"].endswith(
        "errors.html#message." + "".join(part for part in field if not part.isdigit()).replace("..", ".").strip(".")
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"subject":"\xff"}'])
def test_what_is_no_json_is_400(body: bytes) -> None:
    assert get_response(SIMULATOR, build_sendgrid_request(body)).status == 400


@pytest.mark.parametrize(
    "other",
    [
        {"content": None, "subject": None, "template_id": "d-1"},
        {"subject": None, "personalizations": build_personalizations("a@x.org", subject="Hello")},
        {"personalizations": build_personalizations("a@x.org", cc=[{"email": "b@x.org"}])},
        {"categories": ["x"], "tracking_settings": {"click_tracking": {"enable": False}}},
    ],
)
def test_what_else_is_a_mail(other: dict[str, object]) -> None:
    assert is_valid(SIMULATOR, build_sendgrid_request(build_mail(**other)))


@pytest.mark.parametrize(
    ("address", "status", "field"),
    [
        ("bounce@example.org", 400, "personalizations.0.to.0.email"),
        ("reject@example.org", 400, "content.0.value"),
        ("throttle@example.org", 429, None),
        ("fail@example.org", 500, None),
    ],
)
def test_scripts(address: str, status: int, field: str | None) -> None:
    reply = get_response(SIMULATOR, build_sendgrid_request(build_mail(address)))
    assert (reply.status, decode_body(reply)["errors"][0]["field"]) == (status, field)


def test_who_has_unsubscribed_is_accepted_and_dropped_later() -> None:
    assert get_response(SIMULATOR, build_sendgrid_request(build_mail("unsubscribed@example.org"))).status == 202


def test_throttled_says_until_when() -> None:
    headers = SIMULATOR.build_response(None, Stub(StubResponse.THROTTLE), CONTEXT).headers
    assert b"X-RateLimit-Remaining: 0\r\n" in headers
    assert b"X-RateLimit-Reset: %d\r\n" % (int(NOW) + 1) in headers


def test_too_much_and_the_wrong_method() -> None:
    assert get_response(SIMULATOR, build_sendgrid_request(b"", BEARER_HEADERS)._replace(oversize=True)).status == 413
    assert get_response(SIMULATOR, build_sendgrid_request(b"", BEARER_HEADERS, b"GET")).status == 405
