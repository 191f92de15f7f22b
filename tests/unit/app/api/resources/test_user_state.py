"""The live state over HTTP: whole, in part, or not at all."""

from app.api import user_state
from schemas.user_rows import UserRow, UserRows
from tables.idempotency import IdempotencyRow, encode_row
from tests.unit.app.api.harness import NOW, FakeUserTables, GatewayHarness, make_notification_id
from tests.unit.app.api.resources.test_notifications import assert_problem

URL = "/v1/users/u-42/state"
KEY_ROW = UserRow(b"k", encode_row(IdempotencyRow(make_notification_id(1), NOW, "low", 1, 2)))


def test_the_state_is_read_from_the_worker_of_the_user() -> None:
    harness = GatewayHarness(user_tables=FakeUserTables({"idempotency": [KEY_ROW]}))
    with harness.build_client() as client:
        body = client.get(URL).json()
    assert body["workers"] == {role: f"http://{role}" for role in user_state.STATE_ROLES}
    assert (body["user_id"], body["read_at"], body["unavailable"]) == ("u-42", NOW, {})
    assert [entry["key"] for entry in body["idempotency_keys"]] == ["k"]


def test_without_a_worker_the_state_is_503_and_says_why() -> None:
    harness = GatewayHarness(user_tables=FakeUserTables(problem="no worker of the role router has registered"))
    with harness.build_client() as client:
        response = client.get(URL)
    assert_problem(response, 503)
    assert response.json()["detail"] == "no worker of the role router has registered"
    assert int(response.headers["retry-after"]) > 0


def test_without_a_policy_the_state_is_503() -> None:
    harness = GatewayHarness()
    with harness.build_client() as client:
        harness.policy_reader.policy = None
        assert_problem(client.get(URL), 503)


def test_the_part_of_a_role_that_does_not_answer_is_named() -> None:
    rows = UserRows("router", 1, "http://router", {"idempotency": [KEY_ROW]})
    policy = GatewayHarness().policy_reader.get_current()
    state = user_state.build_user_state("u", [rows], policy, {"scheduler": "does not answer"}, "", NOW)
    assert (state.workers, state.unavailable) == ({"router": "http://router"}, {"scheduler": "does not answer"})
