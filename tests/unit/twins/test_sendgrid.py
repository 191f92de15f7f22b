import pytest

from tests.unit.twins.requests import BEARER, ID, MOMENT, NOW, accepted, answer, mail, said, sendgrid, targets
from twins.scripts import Act, Script
from twins.sendgrid import SendGrid

TWIN = SendGrid()


def to(*emails: str, **other: object) -> list[dict[str, object]]:
    """Personalizations with one element."""
    return [{"to": [{"email": email} for email in emails], **other}]


def test_a_mail_is_accepted_without_a_body() -> None:
    reply = answer(TWIN, sendgrid(mail()))
    assert (reply.status, reply.body, reply.headers) == (202, b"", b"X-Message-Id: abc\r\n")
    assert targets(TWIN, sendgrid(mail())) == [(ID, "a@example.org")]


def test_each_personalization_is_a_delivery() -> None:
    request = sendgrid(mail(personalizations=to("a@x.org", custom_args={"delivery_id": "d-1"}) + to("b@x.org")))
    assert targets(TWIN, request) == [("d-1", "a@x.org"), ("", "b@x.org")]


@pytest.mark.parametrize("authorization", [b"", b"Basic QUM6dA==", b"Bearer SG.revoked"])
def test_without_a_valid_key_it_is_401(authorization: bytes) -> None:
    reply = answer(TWIN, sendgrid(mail(), {b"authorization": authorization}))
    assert reply.status == 401
    assert said(reply)["errors"][0]["field"] is None


@pytest.mark.parametrize(
    ("other", "field", "message"),
    [
        ({"personalizations": None}, "personalizations", "at least one personalization"),
        ({"personalizations": []}, "personalizations", "at least one personalization"),
        ({"personalizations": [{}]}, "personalizations.0.to", "to array is required"),
        ({"personalizations": to()}, "personalizations.0.to", "to array is required"),
        ({"personalizations": to("a@x.org") + to("nobody")}, "personalizations.1.to.0.email", "valid address"),
        ({"personalizations": to("a@x.org", cc=[{"email": "a b@x.org"}])}, "personalizations.0.cc.0.email", "valid address"),
        ({"personalizations": to("a@x.org", "A@x.org")}, "personalizations.0", "unique"),
        ({"personalizations": to(*(f"u{number}@x.org" for number in range(1001)))}, "personalizations.0", "more than 1000"),
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
    reply = answer(TWIN, sendgrid(mail(**other)))
    error = said(reply)["errors"][0]
    assert (reply.status, error["field"]) == (400, field)
    assert message in error["message"]
    assert error["help"].endswith(
        "errors.html#message." + "".join(part for part in field if not part.isdigit()).replace("..", ".").strip(".")
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"subject":"\xff"}'])
def test_what_is_no_json_is_400(body: bytes) -> None:
    assert answer(TWIN, sendgrid(body)).status == 400


@pytest.mark.parametrize(
    "other",
    [
        {"content": None, "subject": None, "template_id": "d-1"},
        {"subject": None, "personalizations": to("a@x.org", subject="Hello")},
        {"personalizations": to("a@x.org", cc=[{"email": "b@x.org"}])},
        {"categories": ["x"], "tracking_settings": {"click_tracking": {"enable": False}}},
    ],
)
def test_what_else_is_a_mail(other: dict[str, object]) -> None:
    assert accepted(TWIN, sendgrid(mail(**other)))


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
    reply = answer(TWIN, sendgrid(mail(address)))
    assert (reply.status, said(reply)["errors"][0]["field"]) == (status, field)


def test_who_has_unsubscribed_is_accepted_and_dropped_later() -> None:
    assert answer(TWIN, sendgrid(mail("unsubscribed@example.org"))).status == 202


def test_throttled_says_until_when() -> None:
    headers = TWIN.reply(None, Script(Act.THROTTLE), MOMENT).headers
    assert b"X-RateLimit-Remaining: 0\r\n" in headers
    assert b"X-RateLimit-Reset: %d\r\n" % (int(NOW) + 1) in headers


def test_too_much_and_the_wrong_method() -> None:
    assert answer(TWIN, sendgrid(b"", BEARER)._replace(oversize=True)).status == 413
    assert answer(TWIN, sendgrid(b"", BEARER, b"GET")).status == 405
