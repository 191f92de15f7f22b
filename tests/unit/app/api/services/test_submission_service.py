"""The Idempotency-Key of a submission."""

import pytest

from tests.unit.app.api.harness import GatewayHarness
from tests.unit.app.api.resources.test_notifications import GOOD, URL, assert_problem


def test_a_key_gets_the_first_answer_again_and_goes_to_the_router() -> None:
    world = GatewayHarness()
    with world.build_client() as client:
        first = client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
        again = client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert [notification.idempotency_key for notification in world.publisher.decode_notifications()] == ["k1"]


def test_a_key_of_a_bulk_request_is_one_per_item() -> None:
    world = GatewayHarness()
    with world.build_client() as client:
        client.post(f"{URL}/bulk", json=[GOOD, {**GOOD, "idempotency_key": "k#1"}], headers={"idempotency-key": "k"})
    assert [notification.idempotency_key for notification in world.publisher.decode_notifications()] == ["k#0", "k#1"]


def test_a_key_with_another_body_is_409() -> None:
    world = GatewayHarness()
    with world.build_client() as client:
        client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
        assert_problem(client.post(URL, json={**GOOD, "user_id": "u-1"}, headers={"idempotency-key": "k1"}), 409)
    assert len(world.publisher.records) == 1


def test_a_key_whose_first_request_runs_is_409_with_retry_after() -> None:
    world = GatewayHarness()
    world.publisher.error = "down"
    with world.build_client() as client:
        client.post(URL, json=GOOD, headers={"idempotency-key": "other"})
        assert world.idempotent_responses.responses == {}, "a failed request leaves its key free"

        async def keep_key(key: str, token: str) -> None:
            return None

        world.idempotent_responses.release_key = keep_key  # type: ignore[method-assign]
        client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
        answer = client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
    assert_problem(answer, 409)
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("cause", ["kafka", "invalid"])
def test_a_key_is_free_again_after_a_failure(cause: str) -> None:
    world = GatewayHarness()
    body = GOOD if cause == "kafka" else {"user_id": 1}
    world.publisher.error = "down"
    with world.build_client() as client:
        assert client.post(URL, json=body, headers={"idempotency-key": "k1"}).status_code in (422, 503)
        world.publisher.error = ""
        assert client.post(URL, json=GOOD, headers={"idempotency-key": "k1"}).status_code == 202


def test_a_partly_unavailable_bulk_may_be_tried_again_with_its_key() -> None:
    world = GatewayHarness()
    world.publisher.confirmations = iter([True, False, True, True])
    with world.build_client() as client:
        assert client.post(f"{URL}/bulk", json=[GOOD, GOOD], headers={"idempotency-key": "k"}).status_code == 207
        assert client.post(f"{URL}/bulk", json=[GOOD, GOOD], headers={"idempotency-key": "k"}).status_code == 202


def test_a_key_that_differs_from_the_bodys_is_422() -> None:
    with GatewayHarness().build_client() as client:
        answer = client.post(URL, json={**GOOD, "idempotency_key": "a"}, headers={"idempotency-key": "b"})
    assert assert_problem(answer, 422)["errors"][0]["path"] == "$.idempotency_key"


def test_a_key_that_is_too_long_is_400() -> None:
    with GatewayHarness().build_client() as client:
        assert_problem(client.post(URL, json=GOOD, headers={"idempotency-key": "k" * 201}), 400)
