"""The bounce guard of the e-mail workers: settings, alerts, and the task that counts."""

import logging
from random import random

from agents.delivery.bounce_guard import BounceCount, BounceGuard, BounceGuardPolicy
from app.settings import BounceGuardSection
from app.telemetry import Metrics, log_event
from schemas.errors import UnavailableError
from schemas.metrics import STOPPED_CATEGORIES
from schemas.ports import Clock, Sleep
from tables.postgres.bounce_counts import PostgresBounceCounts

ACTION = "find out where the addresses come from; its medium and low e-mails wait until fewer of an hour have bounced"


def build_bounce_guard(section: BounceGuardSection, metrics: Metrics) -> BounceGuard | None:
    """The guard of a worker; None if it is turned off."""
    if not section.max_percent:
        return None
    policy = BounceGuardPolicy(section.max_percent, section.min_sent, section.hold)
    guard = BounceGuard(policy, random, _log_stopped, _log_resumed)
    metrics.set_gauge_function(STOPPED_CATEGORIES, lambda: len(guard.stopped))
    return guard


async def watch_bounces(guard: BounceGuard, counts: PostgresBounceCounts, clock: Clock, sleep: Sleep, interval: float) -> None:
    """Count every `interval` seconds, without end; while PostgreSQL does not answer, what is known stays."""
    while True:
        try:
            guard.update({category: BounceCount(*count) for category, count in (await counts.read(clock())).items()})
        except UnavailableError as error:
            log_event("delivery.bounces_unknown", logging.WARNING, cause=str(error))
        await sleep(interval)


def _log_stopped(category: str, count: BounceCount) -> None:
    log_event("delivery.category_stopped", logging.ERROR, category=category, sent=count.sent, bounced=count.bounced, action=ACTION)


def _log_resumed(category: str, count: BounceCount) -> None:
    log_event("delivery.category_resumed", logging.INFO, category=category, sent=count.sent, bounced=count.bounced)
