"""A broadcast is started once, followed until it ends, and counted."""

from typing import Any

import msgspec
import pytest

from app.api.services.policy_validation import PolicyValidator
from dev.sample.broadcast import MAX_POLLS, BroadcastProgress, run_broadcast
from dev.sample.guests import PROFILES, list_reachable_users
from dev.sample.submitter import MAX_TRIES, GatewayResponse, SubmissionError
from schemas.broadcasts import BroadcastRequest
from schemas.notification import Notification
from tables.postgres.seed import load_seed_policy

ID = "brd_0199c82cc00070008000000000000001"
UNAVAILABLE = GatewayResponse(503, b"", 3.0)


def build_response(state: str, expanded: int) -> GatewayResponse:
    fields: dict[str, Any] = {
        **dict.fromkeys(("schedule_id", "run_at", "priority", "rate", "started_at", "ended_at", "counts", "cancellation")),
        **dict.fromkeys(("audience", "created_by", "error"), ""),
        "id": ID,
        "user_count": 2,
        "total_count": 2,
        "created_at": 1.0,
        "version": 1,
        "notification": {"type": "t"},
    }
    fields |= {"state": state, "expanded_count": expanded}
    return GatewayResponse(200, msgspec.json.encode(fields))


class FakeGateway:
    """Gives the responses to the start and to the polls in turn, the last one again and again."""

    def __init__(self, started: list[GatewayResponse], polled: list[GatewayResponse]) -> None:
        self.started, self.polled = started, polled
        self.bodies: list[bytes] = []
        self.polls = 0
        self.sleeps: list[float] = []

    async def start_broadcast(self, body: bytes) -> GatewayResponse:
        self.bodies.append(body)
        return self.started.pop(0) if len(self.started) > 1 else self.started[0]

    async def get_broadcast(self, broadcast_id: str) -> GatewayResponse:
        self.polls += 1
        return self.polled.pop(0) if len(self.polled) > 1 else self.polled[0]

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)

    async def run(self) -> BroadcastProgress:
        return await run_broadcast(self, ID, ["u-1", "u-2"], self.sleep)


async def test_a_broadcast_is_followed_until_it_is_done() -> None:
    polled = [build_response("pending", 0), UNAVAILABLE, build_response("running", 1), build_response("done", 2)]
    gateway = FakeGateway([UNAVAILABLE, GatewayResponse(201, b"")], polled)
    progress = await gateway.run()
    assert (progress, progress.ok, gateway.polls) == (BroadcastProgress(ID, "done", 2, 2), True, 4)
    assert gateway.bodies[0] == gateway.bodies[1], "with the same id, so that it starts once"
    assert gateway.sleeps[0] == 3.0
    request = msgspec.json.decode(gateway.bodies[0], type=BroadcastRequest)
    assert (request.id, request.user_ids) == (ID, ["u-1", "u-2"])


@pytest.mark.parametrize("polled", [build_response("failed", 1), build_response("running", 1), build_response("done", 1)])
async def test_a_broadcast_that_does_not_reach_all_is_not_ok(polled: GatewayResponse) -> None:
    gateway = FakeGateway([GatewayResponse(200, b"")], [polled])
    assert not (await gateway.run()).ok
    assert gateway.polls <= MAX_POLLS


@pytest.mark.parametrize(("response", "requests"), [(GatewayResponse(422, b"no such type"), 1), (GatewayResponse(503, b""), MAX_TRIES)])
async def test_a_broadcast_that_cannot_be_started_is_an_error(response: GatewayResponse, requests: int) -> None:
    gateway = FakeGateway([response], [])
    with pytest.raises(SubmissionError, match=r"POST /v1/broadcasts: "):
        await gateway.run()
    assert len(gateway.bodies) == requests


async def test_its_notification_is_valid_and_its_users_get_it() -> None:
    gateway = FakeGateway([GatewayResponse(200, b"")], [build_response("done", 2)])
    await gateway.run()
    notification = msgspec.json.decode(gateway.bodies[0], type=BroadcastRequest).notification
    fields = msgspec.to_builtins(notification)
    assert PolicyValidator(load_seed_policy()).find_field_error(Notification("u-1", **fields)) is None
    users = list_reachable_users()
    assert len(users) > 10
    assert not {"u-karen", "u-noor", "u-ruth", "u-vera", "u-partner-north"} & {*users}
    assert {*users} <= PROFILES.keys()
