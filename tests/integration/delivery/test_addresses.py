"""Addresses in unusual spellings, from the notification through the router and the real providers to the simulators."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from agents.providers.http.resolver import Addresses, Resolver, resolve_blocking
from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.enums import Status
from tests.integration.delivery.harness import open_harness, run_simulators
from tests.unit.agents.router.harness import RouterHarness, build_notification


async def route(channel: ChannelName, text: str) -> Delivery:
    """The delivery to an address that came with a notification."""
    harness, now = RouterHarness(), time.time()
    type_ = "partner.order" if channel == "webhook" else "order.shipped"
    await harness.route(build_notification(type=type_, channels=[channel], to={channel: text}))
    return msgspec.structs.replace(harness.deliveries[0], created_at=now, expires_at=now + 600)


@pytest.mark.parametrize(
    ("channel", "text", "requested"),
    [
        ("email", "\u200bAda@Bücher.EXAMPLE", "Ada@xn--bcher-kva.example"),
        ("sms", "\u202a+1 (500) 555-0006\u202c", "+15005550006"),
        ("push", " token:1\u200b", "token:1"),
        ("webhook", "HTTP://Bücher.EXAMPLE:{port}/hooks/Grüße", "http://xn--bcher-kva.example:{port}/hooks/Gr%C3%BC%C3%9Fe"),
    ],
)
async def test_the_provider_gets_the_normal_form(channel: ChannelName, text: str, requested: str, tmp_path: Path) -> None:
    looked_up: list[Any] = []

    def resolve(host: str, port: int) -> Addresses:
        looked_up.append(host)
        return resolve_blocking("127.0.0.1", port)

    async with run_simulators(tmp_path) as simulators, open_harness(channel, simulators.url) as harness:
        harness.http._resolver = Resolver(time.monotonic, resolve)
        port = str(urlsplit(simulators.url).port)
        delivery = await route(channel, text.replace("{port}", port))
        await harness.run_batches(harness.build_batch(delivery))
        await harness.wait_for_batches(1)
        entries = simulators.read_entries()
    assert [(entry.address, entry.delivery_id) for entry in entries] == [(requested.replace("{port}", port), delivery.id)]
    assert {event.status for event in harness.status_events} == {Status.DELIVERED if channel == "webhook" else Status.SENT}
    assert looked_up == (["xn--bcher-kva.example"] if channel == "webhook" else [])
