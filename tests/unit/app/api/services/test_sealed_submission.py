"""A gateway with keys writes nothing of a user in plain, and accepts nothing while it cannot seal."""

import msgspec
import pytest
from litestar.testing import TestClient

from schemas.notification import SealedNotification
from schemas.sealed_records import open_notification
from tests.sealers import MemorySealerReader
from tests.unit.app.api.harness import GatewayHarness

BODY = {"user_id": "u-42", "type": "order.shipped", "to": {"email": "canary@example.org"}, "data": {"code": "canary"}}


@pytest.fixture
def harness() -> GatewayHarness:
    return GatewayHarness(sealers=MemorySealerReader())


def open_published(harness: GatewayHarness) -> list[SealedNotification]:
    """The notifications that were written, opened; each is for its user only."""
    opened = []
    for record in harness.publisher.records:
        assert b"canary" not in record.value
        sealed = msgspec.json.decode(record.value, type=SealedNotification)
        assert isinstance(harness.sealers, MemorySealerReader)
        found = open_notification(sealed, sealed.id or "", harness.sealers.get(sealed.user_id))
        assert isinstance(found, SealedNotification)
        opened.append(found)
    return opened


def test_a_submission_is_sealed_for_its_user(harness: GatewayHarness) -> None:
    with harness.build_client() as client:
        response = client.post("/v1/notifications", json=BODY)
    assert response.status_code == 202
    (notification,) = open_published(harness)
    assert (notification.id, notification.to, notification.data) == (response.json()["id"], BODY["to"], BODY["data"])


def test_each_item_of_a_bulk_request_is_sealed_and_the_keys_are_read_once(harness: GatewayHarness) -> None:
    items = [BODY, {"user_id": 7}, {**BODY, "user_id": "u-43"}, BODY]
    with harness.build_client() as client:
        response = client.post("/v1/notifications/bulk", json={"notifications": items})
    assert response.status_code == 207
    assert [one.user_id for one in open_published(harness)] == ["u-42", "u-43", "u-42"]
    assert isinstance(harness.sealers, MemorySealerReader)
    assert harness.sealers.requested == [["u-42", "u-43"]]


def test_a_submission_to_who_is_not_sealed_is_accepted_as_it_is() -> None:
    harness = GatewayHarness(sealers=MemorySealerReader(seals=False))
    with harness.build_client() as client:
        one = client.post("/v1/notifications", json=BODY)
        bulk = client.post("/v1/notifications/bulk", json={"notifications": [BODY, BODY]})
    assert (one.status_code, bulk.status_code) == (202, 202)
    assert [b"canary@example.org" in record.value for record in harness.publisher.records] == [True] * 3


def test_who_is_sealed_no_longer_when_the_keys_are_read_needs_none(harness: GatewayHarness) -> None:
    assert isinstance(harness.sealers, MemorySealerReader)
    harness.sealers.unseals_meanwhile = True
    with harness.build_client() as client:
        assert client.post("/v1/notifications", json=BODY).status_code == 202
    assert b"canary@example.org" in harness.publisher.records[0].value


@pytest.mark.parametrize("is_missing", [True, False])
def test_without_a_key_nothing_is_accepted_and_the_client_may_try_again(harness: GatewayHarness, is_missing: bool) -> None:
    assert isinstance(harness.sealers, MemorySealerReader)
    harness.sealers.unavailable = not is_missing
    harness.sealers.missing.add("u-42")
    with harness.build_client() as client:
        responses = [post(client, "first"), post(client, "first")]
        harness.sealers.unavailable = False
        harness.sealers.missing.clear()
        again = post(client, "first")
    assert [response.status_code for response in responses] == [503, 503]
    assert responses[0].headers["retry-after"] == "2"
    assert again.status_code == 202
    assert len(harness.publisher.records) == 1


def test_what_is_too_large_when_it_is_sealed_is_rejected(harness: GatewayHarness) -> None:
    with harness.build_client() as client:
        response = client.post("/v1/notifications", json={**BODY, "data": {"text": "x" * 210_000}})
    assert response.status_code == 413
    assert harness.publisher.records == []


def test_a_client_cannot_send_sealed_bytes(harness: GatewayHarness) -> None:
    with harness.build_client() as client:
        response = client.post("/v1/notifications", json={**BODY, "sealed": "AQ=="})
    assert response.status_code == 422


def post(client: TestClient, key: str):  # type: ignore[type-arg, no-untyped-def]
    """The response to the submission with this Idempotency-Key."""
    return client.post("/v1/notifications", json=BODY, headers={"idempotency-key": key})


def test_a_user_who_is_not_sealed_needs_no_key_and_others_do(harness: GatewayHarness) -> None:
    assert isinstance(harness.sealers, MemorySealerReader)
    harness.sealers.unsealed.add("u-42")
    with harness.build_client() as client:
        assert client.post("/v1/notifications", json=BODY).status_code == 202
        response = client.post("/v1/notifications/bulk", json={"notifications": [BODY, {**BODY, "user_id": "u-43"}]})
    assert response.status_code == 202
    assert harness.sealers.requested == [["u-43"]]
    assert [b"canary" in record.value for record in harness.publisher.records] == [True, True, False]
