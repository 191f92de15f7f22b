"""A held notification is cancelled as soon as its decision is recorded."""

import pytest

from dev.sample.cancellation import MAX_TRIES, cancel_lines
from dev.sample.sample_file import SampleLine
from dev.sample.submissions import SubmittedLine
from dev.sample.submitter import GatewayResponse

NOTIFICATION = {"user_id": "u-1", "type": "t"}
CANCELLED = SubmittedLine(SampleLine("http", ["rejected cancelled"], None, NOTIFICATION, send_after=60.0, cancel=True), 1.0, "ntf_1")
OTHER = SubmittedLine(SampleLine("http", ["routed"], None, NOTIFICATION), 1.0, "ntf_2")


class FakeGateway:
    """Gives the responses in turn, the last one again and again."""

    def __init__(self, *responses: GatewayResponse) -> None:
        self.responses = list(responses)
        self.requests: list[tuple[str, str]] = []

    async def cancel(self, notification_id: str, user_id: str) -> GatewayResponse:
        self.requests.append((notification_id, user_id))
        return self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]


async def do_not_sleep(seconds: float) -> None:
    """Return at once."""


@pytest.mark.parametrize(
    ("responses", "requests"),
    [
        ([GatewayResponse(200, b"")], 1),
        ([GatewayResponse(202, b"")], 1),
        ([GatewayResponse(404, b""), GatewayResponse(409, b"", 1.0), GatewayResponse(503, b""), GatewayResponse(200, b"")], 4),
        ([GatewayResponse(409, b"")], 1),  # it was sent already
        ([GatewayResponse(503, b"")], MAX_TRIES),
    ],
)
async def test_the_request_is_repeated_until_the_decision_is_recorded(responses: list[GatewayResponse], requests: int) -> None:
    gateway = FakeGateway(*responses)
    await cancel_lines([OTHER, CANCELLED], gateway, do_not_sleep)
    assert gateway.requests == [("ntf_1", "u-1")] * requests
