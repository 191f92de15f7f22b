"""Deliveries by SMTP, through the deliverer to a real mail server and back."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from typing import cast

import pytest

from agents.providers.http import HttpLimits
from agents.providers.smtp import Smtp
from agents.providers.smtp_client import SmtpServer
from schemas.enums import Status
from schemas.events import StatusEvent
from schemas.http import HttpClient
from schemas.outcome import Provider
from tests.delivery_builders import build_delivery
from tests.smtp_server import MailServer, open_mail_server
from tests.unit.agents.delivery.harness import DeliveryHarness


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with open_mail_server() as server:
        yield server


async def deliver(server: MailServer, **changes: object) -> StatusEvent:
    """The status event of one delivery."""
    provider = Smtp(SmtpServer("localhost", server.port, "none"), "shop@example.org")
    client = provider.build_client(HttpLimits(10, 20.0, 20.0))
    harness = DeliveryHarness(cast(Provider, provider), cast(HttpClient, client))
    running = asyncio.create_task(harness.run_batches(harness.build_batch(build_delivery("email", **changes))))
    async with asyncio.timeout(60):
        while not harness.observed_attempts:
            await asyncio.sleep(0)
    harness.commit()
    await running
    await client.close()
    return harness.observed_attempts[0][1]


async def test_a_delivery_is_sent(server: MailServer) -> None:
    event = await deliver(server)
    assert event.status is Status.SENT
    (message,) = server.messages
    assert message.recipients == ["ada@example.org"]
    assert message_from_bytes(message.data)["Message-ID"] == f"<{event.provider_message_id}>"


async def test_a_recipient_that_does_not_exist_is_failed(server: MailServer) -> None:
    server.replies["RCPT"] = "550 5.1.1 ada@example.org unknown"
    event = await deliver(server)
    assert event.status is Status.FAILED
    assert "ada" not in event.detail
