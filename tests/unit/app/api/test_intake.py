"""The Idempotency-Key of a submission."""

import pytest

from tests.unit.app.api.test_notifications import GOOD, URL, problem_of
from tests.unit.app.api.world import World


def test_a_key_gets_the_first_answer_again_and_goes_to_the_router() -> None:
    world = World()
    with world.client() as client:
        first = client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
        again = client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert [notification.idempotency_key for notification in world.publisher.notifications()] == ["k1"]


def test_a_key_of_a_bulk_request_is_one_per_item() -> None:
    world = World()
    with world.client() as client:
        client.post(f"{URL}/bulk", json=[GOOD, {**GOOD, "idempotency_key": "k#1"}], headers={"idempotency-key": "k"})
    assert [notification.idempotency_key for notification in world.publisher.notifications()] == ["k#0", "k#1"]


def test_a_key_with_another_body_is_409() -> None:
    world = World()
    with world.client() as client:
        client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
        problem_of(client.post(URL, json={**GOOD, "user_id": "u-1"}, headers={"idempotency-key": "k1"}), 409)
    assert len(world.publisher.records) == 1


def test_a_key_whose_first_request_runs_is_409_with_retry_after() -> None:
    world = World()
    world.publisher.cause = "down"
    with world.client() as client:
        client.post(URL, json=GOOD, headers={"idempotency-key": "other"})
        assert world.replies.kept == {}, "a failed request leaves its key free"

        async def still_running(key: str, token: str) -> None:
            return None

        world.replies.forget = still_running  # type: ignore[method-assign]
        client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
        answer = client.post(URL, json=GOOD, headers={"idempotency-key": "k1"})
    problem_of(answer, 409)
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("cause", ["kafka", "invalid"])
def test_a_key_is_free_again_after_a_failure(cause: str) -> None:
    world = World()
    body = GOOD if cause == "kafka" else {"user_id": 1}
    world.publisher.cause = "down"
    with world.client() as client:
        assert client.post(URL, json=body, headers={"idempotency-key": "k1"}).status_code in (422, 503)
        world.publisher.cause = ""
        assert client.post(URL, json=GOOD, headers={"idempotency-key": "k1"}).status_code == 202


def test_a_partly_unavailable_bulk_may_be_tried_again_with_its_key() -> None:
    world = World()
    world.publisher.confirms = iter([True, False, True, True])
    with world.client() as client:
        assert client.post(f"{URL}/bulk", json=[GOOD, GOOD], headers={"idempotency-key": "k"}).status_code == 207
        assert client.post(f"{URL}/bulk", json=[GOOD, GOOD], headers={"idempotency-key": "k"}).status_code == 202


def test_a_key_that_differs_from_the_bodys_is_422() -> None:
    with World().client() as client:
        answer = client.post(URL, json={**GOOD, "idempotency_key": "a"}, headers={"idempotency-key": "b"})
    assert problem_of(answer, 422)["errors"][0]["path"] == "$.idempotency_key"


def test_a_key_that_is_too_long_is_400() -> None:
    with World().client() as client:
        problem_of(client.post(URL, json=GOOD, headers={"idempotency-key": "k" * 201}), 400)
