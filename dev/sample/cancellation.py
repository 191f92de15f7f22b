"""Cancels submitted notifications over HTTP while they are held."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from dev.sample.submissions import SubmittedLine
from dev.sample.submitter import GatewayResponse
from schemas.ports import Sleep

MAX_TRIES = 100  # requests for one notification
RETRY_DELAY = 0.1  # seconds; the decision on a notification is recorded soon
UNRECORDED_STATUSES = (404, 503)


class CancelClient(Protocol):
    """Requests that a notification is cancelled."""

    async def cancel(self, notification_id: str, user_id: str) -> GatewayResponse: ...


async def cancel_lines(lines: Sequence[SubmittedLine], gateway: CancelClient, sleep: Sleep) -> None:
    """Cancel the notifications of the lines with `cancel`; what cannot be cancelled shows in its result."""
    await asyncio.gather(*(_cancel(line, gateway, sleep) for line in lines if line.line.cancel))


async def _cancel(line: SubmittedLine, gateway: CancelClient, sleep: Sleep) -> None:
    user_id = str((line.line.notification or {})["user_id"])
    for _ in range(MAX_TRIES):
        response = await gateway.cancel(line.notification_id, user_id)
        if response.status not in UNRECORDED_STATUSES and not response.retry_after:
            return
        await sleep(RETRY_DELAY)
