"""The acknowledgements of apps, by the token in the data of a push message."""

import msgspec
import pytest

from agents.callbacks.fcm_acks import PushAck, decode_push_ack, map_push_ack
from schemas.enums import Status
from schemas.errors import DECODE_ERRORS
from schemas.events import EngagementEvent, ReceiptEvent
from schemas.link_tokens import LinkTokens
from schemas.push_receipts import sign_push_receipt
from tests.event_builders import NOW, build_delivery_ref, make_notification_id

DELIVERY_ID = build_delivery_ref(make_notification_id(), "push").id
TOKENS, OTHER_TOKENS = LinkTokens([b"s" * 32]), LinkTokens([b"t" * 32])
TOKEN = sign_push_receipt(TOKENS, DELIVERY_ID, 1, 2)


def test_an_acknowledgement_is_a_receipt_of_its_attempt() -> None:
    mapped = map_push_ack(TOKENS, decode_push_ack(msgspec.json.encode({"token": TOKEN})), NOW)
    assert mapped is not None
    assert mapped.events == [
        ReceiptEvent(DELIVERY_ID, "push", "fcm", f"{DELIVERY_ID}|delivered", "delivered", Status.DELIVERED, NOW, 2, 1,
                     detail="delivered, by the app")
    ]  # fmt: skip
    assert mapped.counts == {("delivered", "taken"): 1}


@pytest.mark.parametrize("kind", ["open", "click"])
def test_an_app_reports_what_the_user_did(kind: str) -> None:
    mapped = map_push_ack(TOKENS, decode_push_ack(msgspec.json.encode({"token": TOKEN, "event": kind})), NOW)
    assert mapped is not None
    assert mapped.events == [EngagementEvent(DELIVERY_ID, "push", "fcm", f"{DELIVERY_ID}|{kind}", kind, NOW, 2, 1)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no token",
        TOKEN[:-1],
        TOKEN + "A",
        OTHER_TOKENS.sign("receipt", DELIVERY_ID, "0", "0"),
        TOKENS.sign("unsubscribe", DELIVERY_ID, "0", "0"),
        TOKENS.sign("receipt", DELIVERY_ID),
        TOKENS.sign("receipt", "dlv_1", "0", "0"),
        TOKENS.sign("receipt", DELIVERY_ID, "x", "0"),
    ],
)
def test_any_other_token_is_refused(token: str) -> None:
    assert map_push_ack(TOKENS, PushAck(token), NOW) is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"token":1}', b'{"token":"x","event":"levitated"}', b'{"token":"x","more":1}', b"\xff"]
)
def test_a_malformed_body_is_an_error_that_the_gateway_knows(body: bytes) -> None:
    with pytest.raises(DECODE_ERRORS):
        decode_push_ack(body)
