"""Starts a broadcast to stored users over HTTP, and follows it until Kafka has a notification for each of them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from dev.sample import catalog
from dev.sample.submitter import MAX_TRIES, RETRY_DELAY, GatewayResponse, SubmissionError, describe_response
from schemas.broadcasts import Broadcast, BroadcastNotification, BroadcastRequest, BroadcastState
from schemas.ports import Sleep

TYPE = "promo.sale"
POLL_INTERVAL = 0.2  # seconds
MAX_POLLS = 300
UNFINISHED_STATES: frozenset[BroadcastState] = frozenset({"pending", "running"})

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Broadcast).decode


class BroadcastProgress(Struct, frozen=True):
    """The broadcast to `users` users: its state, and for how many Kafka has a notification."""

    id: str
    state: BroadcastState
    users: int
    expanded_count: int

    @property
    def ok(self) -> bool:
        """Whether Kafka has a notification for each user."""
        return self.state == "done" and self.expanded_count == self.users


class BroadcastClient(Protocol):
    """Starts a broadcast and reads it."""

    async def start_broadcast(self, body: bytes) -> GatewayResponse: ...

    async def get_broadcast(self, broadcast_id: str) -> GatewayResponse: ...


async def run_broadcast(gateway: BroadcastClient, broadcast_id: str, user_ids: Sequence[str], sleep: Sleep) -> BroadcastProgress:
    """Start the broadcast and wait until it has ended, or for a minute. Raises SubmissionError if it cannot be started."""
    notification = BroadcastNotification(TYPE, data=catalog.build_template_data(TYPE, 0))
    body, started = _encode(BroadcastRequest(notification, id=broadcast_id, user_ids=list(user_ids))), False
    for _ in range(MAX_TRIES):  # one id starts one broadcast, however often it is requested
        response = await gateway.start_broadcast(body)
        if started := response.status in (200, 201):
            break
        if response.status != 503:
            raise SubmissionError(f"POST /v1/broadcasts: {describe_response(response)}")
        await sleep(response.retry_after or RETRY_DELAY)
    if not started:
        raise SubmissionError(f"POST /v1/broadcasts: no answer in {MAX_TRIES} tries: check that PostgreSQL is available")
    return await _wait_until_ended(gateway, broadcast_id, len(user_ids), sleep)


async def _wait_until_ended(gateway: BroadcastClient, broadcast_id: str, users: int, sleep: Sleep) -> BroadcastProgress:
    progress = BroadcastProgress(broadcast_id, "pending", users, 0)
    for _ in range(MAX_POLLS):
        response = await gateway.get_broadcast(broadcast_id)
        if response.status == 200:
            broadcast = _decode(response.body)
            progress = BroadcastProgress(broadcast_id, broadcast.state, users, broadcast.expanded_count)
            if broadcast.state not in UNFINISHED_STATES:
                break
        await sleep(POLL_INTERVAL)
    return progress
