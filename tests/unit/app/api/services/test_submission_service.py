"""The header Idempotency-Key."""

import pytest

from tests.unit.app.api.harness import GatewayHarness
from tests.unit.app.api.resources.test_notifications import SUBMISSION, URL, assert_problem


def test_a_repeated_key_gets_the_first_response_and_publishes_once() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        first = client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k1"})
        repeated = client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k1"})
    assert (repeated.status_code, repeated.json()) == (202, first.json())
    assert [notification.idempotency_key for notification in harness.publisher.decode_notifications()] == ["k1"]


def test_a_bulk_request_derives_one_key_per_item() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        client.post(f"{URL}/bulk", json=[SUBMISSION, {**SUBMISSION, "idempotency_key": "k#1"}], headers={"idempotency-key": "k"})
    assert [notification.idempotency_key for notification in harness.publisher.decode_notifications()] == ["k#0", "k#1"]


@pytest.mark.parametrize("path", ["", "/bulk"])
def test_the_same_meaning_in_other_bytes_gets_the_first_response(path: str) -> None:
    first = '{"user_id": "u-42", "type": "order.shipped", "data": {"name": "Zoë/", "order": 17, "to": [1, 2]}}'
    other = '{"data":{"to":[1,2],"order":17.0,"name":"Zo\\u00eb\\/"},"type":"order.shipped","user_id":"u-42"}'
    harness = GatewayHarness()
    with harness.build_client() as client:
        responses = [
            client.post(URL + path, content=(f"[{body}]" if path else body).encode(), headers={"idempotency-key": "k"})
            for body in (first, other)
        ]
    assert [response.status_code for response in responses] == [202, 202]
    assert responses[0].content == responses[1].content
    assert len(harness.publisher.records) == 1


@pytest.mark.parametrize("data", [{"order": 18}, {"order": "17"}, {"order": [17]}, {}])
def test_another_meaning_is_another_request(data: dict[str, object]) -> None:
    with GatewayHarness().build_client() as client:
        client.post(URL, json={**SUBMISSION, "data": {"order": 17}}, headers={"idempotency-key": "k"})
        assert_problem(client.post(URL, json={**SUBMISSION, "data": data}, headers={"idempotency-key": "k"}), 422)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_key_that_is_not_ascii_is_the_same_in_header_and_body(encoding: str) -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        headers = {b"idempotency-key": "schlüssel".encode(encoding)}
        response = client.post(URL, json={**SUBMISSION, "idempotency_key": "schlüssel"}, headers=headers)
        assert response.status_code == 202, response.text
        client.post(f"{URL}/bulk", json=[SUBMISSION], headers={b"idempotency-key": "größe".encode(encoding)})
    keys = [notification.idempotency_key for notification in harness.publisher.decode_notifications()]
    assert keys == ["schlüssel", "größe#0"]


def test_a_key_with_another_body_is_422() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k1"})
        assert_problem(client.post(URL, json={**SUBMISSION, "user_id": "u-1"}, headers={"idempotency-key": "k1"}), 422)
    assert len(harness.publisher.records) == 1


def test_a_key_in_progress_is_409_with_retry_after() -> None:
    harness = GatewayHarness()
    harness.publisher.error = "down"
    with harness.build_client() as client:
        client.post(URL, json=SUBMISSION, headers={"idempotency-key": "other"})
        assert harness.idempotent_responses.responses == {}, "a failed request releases its key"

        async def keep_key(key: str, token: str) -> None:
            return None

        harness.idempotent_responses.release_key = keep_key  # type: ignore[method-assign]
        client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k1"})
        response = client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k1"})
    assert_problem(response, 409)
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("cause", ["kafka", "invalid"])
def test_a_failed_request_releases_its_key(cause: str) -> None:
    harness = GatewayHarness()
    body = SUBMISSION if cause == "kafka" else {"user_id": 1}
    harness.publisher.error = "down"
    with harness.build_client() as client:
        assert client.post(URL, json=body, headers={"idempotency-key": "k1"}).status_code in (422, 503)
        harness.publisher.error = ""
        assert client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k1"}).status_code == 202


def test_a_partly_unavailable_bulk_request_releases_its_key() -> None:
    harness = GatewayHarness()
    harness.publisher.confirmations = iter([True, False, True, True])
    with harness.build_client() as client:
        assert client.post(f"{URL}/bulk", json=[SUBMISSION, SUBMISSION], headers={"idempotency-key": "k"}).status_code == 207
        assert client.post(f"{URL}/bulk", json=[SUBMISSION, SUBMISSION], headers={"idempotency-key": "k"}).status_code == 202


def test_a_header_that_differs_from_the_key_in_the_body_is_422() -> None:
    with GatewayHarness().build_client() as client:
        response = client.post(URL, json={**SUBMISSION, "idempotency_key": "a"}, headers={"idempotency-key": "b"})
    assert assert_problem(response, 422)["errors"][0]["path"] == "$.idempotency_key"


def test_a_key_that_is_too_long_is_400() -> None:
    with GatewayHarness().build_client() as client:
        assert_problem(client.post(URL, json=SUBMISSION, headers={"idempotency-key": "k" * 201}), 400)
