"""The newest recorded notifications of a template, with the locales and time zones of their users."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from agents.router.compiled_policy import CompiledPolicy
from agents.router.digests import build_digest_data
from agents.router.routing_state import RoutingState
from agents.router.simulation import PolicySimulation
from agents.router.templates.channel_content import select_template
from agents.router.verdict import PASS
from app.connection_settings import KafkaSection
from app.encryption.recorded_notifications import open_recorded
from app.kafka.recorded_notifications import RecordedNotifications, iterate_newest, open_recorded_notifications
from app.settings import TemplatesSection
from schemas.policy import DigestPolicy, Policy
from schemas.ports import Clock
from schemas.template_payloads import RecordedPayload
from schemas.user_keys import SealerReader
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader

PayloadSource = Callable[[Policy, str, Database, float], Awaitable[list[RecordedPayload]]]
"""The newest payloads of a template, by its name; after so many seconds the search for more ends. Raises UnavailableError."""


def build_payload_source(
    kafka: KafkaSection, section: TemplatesSection, clock: Clock, sealers: SealerReader | None = None
) -> PayloadSource | None:
    """A source that reads Kafka as the settings say; None if they say that no payloads are tried."""
    return partial(_fetch_payloads, kafka, section, clock, sealers) if section.publish_payloads else None


async def _fetch_payloads(
    kafka: KafkaSection,
    section: TemplatesSection,
    clock: Clock,
    sealers: SealerReader | None,
    policy: Policy,
    name: str,
    database: Database,
    max_seconds: float,
) -> list[RecordedPayload]:
    now, simulation = clock(), PolicySimulation(CompiledPolicy(policy), kafka.topic_partitions, kafka.topic_prefix)
    async with open_recorded_notifications(kafka) as recorded:
        count, max_scanned = section.publish_payloads, section.publish_scan_records
        states = await find_newest(recorded, simulation, name, count, max_scanned, now, lambda: clock() - now > max_seconds, sealers)
    profiles = await PostgresProfileReader(database).get_many({state.notification.user_id for state in states}) if states else {}
    payloads = []
    for state in states:
        notification, profile = state.notification, profiles.get(state.notification.user_id)
        locale, zone = (profile.locale, profile.time_zone) if profile else ("", "")
        assert state.plan is not None
        payloads.append(
            RecordedPayload(
                state.id, notification.user_id, build_data(state, name), state.plan.candidates, notification.locale or locale, zone
            )
        )
    return payloads


async def find_newest(
    recorded: RecordedNotifications,
    simulation: PolicySimulation,
    name: str,
    count: int,
    max_scanned: int,
    now: float,
    is_late: Callable[[], bool],
    sealers: SealerReader | None = None,
) -> Sequence[RoutingState]:
    """At most `count` notifications that use a template, newest first, among the newest `max_scanned` records; each id once."""
    found: dict[str, RoutingState] = {}
    async with aclosing(iterate_newest(recorded, now, max_scanned)) as chunks:
        async for _, chunk in chunks:
            records = await open_recorded(chunk, sealers)
            # in a thread: thousands are decoded, and the gateway serves others meanwhile
            states, _ = await asyncio.to_thread(simulation.prepare, records[::-1])
            for state in states:
                if state.verdict is PASS and name in _list_templates(state):
                    found.setdefault(state.id, state)
            if len(found) >= count or is_late():
                break
    return list(found.values())[:count]


def build_data(state: RoutingState, name: str) -> dict[str, Any]:
    """What the template sees of a notification: with a digest of it alone, if the template is that of digests."""
    data, plan = state.notification.data, state.plan
    is_digest = plan is not None and plan.rule.digest is not None and _get_digest_template(state, plan.rule.digest) == name
    return build_digest_data(data, [data]) if is_digest else data


def _list_templates(state: RoutingState) -> list[str]:
    """The templates that render a notification, alone or in a digest."""
    if state.plan is None:
        return []
    digest, name = state.plan.rule.digest, select_template(state.notification, state.plan.rule)
    return [name] if digest is None else [name, _get_digest_template(state, digest)]


def _get_digest_template(state: RoutingState, digest: DigestPolicy) -> str:
    assert state.plan is not None
    return digest.template or select_template(state.notification, state.plan.rule)
