"""The six faults. Each produces the records of a workload around it and returns what it removed from the logs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents.scheduler.releaser import MAX_RELEASES_IN_FLIGHT
from schemas.enums import PRIORITIES
from schemas.metrics import SCHEDULER_RELEASES
from tests.chaos.workload import Workload
from tests.cluster import PARTITIONS
from tests.faults.evidence import Limits, Removal
from tests.faults.installation import (
    MAX_BATCH_RECORDS,
    MAX_CALLS,
    MAX_GROUP_RECORDS,
    MAX_RELEASE_ENTRIES,
    ROUTERS,
    SCHEDULERS,
    WORKERS,
    FaultInstallation,
)
from tests.faults.log_changes import LogChanger
from tests.settings_builders import DEFAULT_SETTINGS

# After an outage, or if a worker is frozen for longer than its session, batches in flight may be read again: their outputs are written, but
# not their rows or offsets.
IN_FLIGHT = Limits(
    requests=MAX_CALLS + MAX_GROUP_RECORDS,
    notifications=PARTITIONS * len(PRIORITIES) * DEFAULT_SETTINGS.router.max_in_flight_batches * MAX_BATCH_RECORDS,
    releases=PARTITIONS * MAX_RELEASES_IN_FLIGHT * MAX_RELEASE_ENTRIES,
)


RELEASES = SCHEDULER_RELEASES.name
CHANGED_ROLES = ("router", "email", "scheduler")


@dataclass
class FaultContext:
    """What a fault needs. `count`: of records. `number`: of the round, from 0. `stop_seconds`: how long the broker is frozen."""

    installation: FaultInstallation
    workload: Workload
    count: int
    number: int
    stop_seconds: float

    @property
    def changed_role(self) -> str:
        """The role whose input topics are changed."""
        return CHANGED_ROLES[self.number % len(CHANGED_ROLES)]

    @property
    def is_second_way(self) -> bool:
        """Whether each role was hit once, so that a fault takes the other one of its two ways."""
        return self.number // len(CHANGED_ROLES) % 2 == 1


InjectFault = Callable[[FaultContext], Awaitable[list[Removal]]]


@dataclass(frozen=True)
class Fault:
    """A fault and what may be repeated after it."""

    name: str
    inject: InjectFault
    limits: Limits


async def freeze_broker(context: FaultContext) -> list[Removal]:
    """Stop the broker with SIGSTOP while records are processed and produced."""
    await _start_load(context)
    async with context.installation.broker.freeze():
        rest = asyncio.create_task(context.workload.produce_rest())
        await asyncio.sleep(context.stop_seconds)
    await context.installation.broker.wait_until_available()
    await rest
    return []


async def kill_broker(context: FaultContext) -> list[Removal]:
    """Kill the broker with SIGKILL while records are processed and produced; the supervisor restarts it."""
    await _start_load(context)
    context.installation.broker.kill()
    rest = asyncio.create_task(context.workload.produce_rest())
    await context.installation.broker.wait_until_available()
    await rest
    return []


async def fail_over_router(context: FaultContext) -> list[Removal]:
    """Kill a router with SIGKILL; the other one takes over from its standbys. In two of four rounds it returns without its tables."""
    await _start_load(context)
    await _fail_over(context, ROUTERS[context.number % 2])
    return []


async def fail_over_scheduler(context: FaultContext) -> list[Removal]:
    """Kill a scheduler with SIGKILL while it releases; the other one takes over as a router does."""
    cluster, victim = context.installation.cluster, SCHEDULERS[context.number % 2]
    released_before = cluster.read_metric(victim, RELEASES)
    await _start_load(context)
    await cluster.wait_for_metric(victim, RELEASES, released_before + 1, 60)
    await _fail_over(context, victim)
    return []


async def _fail_over(context: FaultContext, victim: str) -> None:
    installation = context.installation
    installation.cluster.kill_process(victim)
    await context.workload.produce_rest()
    await context.workload.wait_until_drained(300)
    if context.number // 2 % 2:
        installation.remove_tables(victim)
    await installation.start(victim)


async def truncate_log(context: FaultContext) -> list[Removal]:
    """Truncate topics beyond the committed offsets, under stopped workers and under running ones in turn."""
    return await _change_log(context, LogChanger.truncate, is_stopped=not context.is_second_way)


async def recreate_topic(context: FaultContext) -> list[Removal]:
    """Delete topics and create them anew, under running workers and under stopped ones in turn."""
    return await _change_log(context, LogChanger.recreate, is_stopped=context.is_second_way)


async def _change_log(
    context: FaultContext, change: Callable[[LogChanger], Awaitable[list[Removal]]], *, is_stopped: bool
) -> list[Removal]:
    installation, role = context.installation, context.changed_role
    workers = {name for name, role_of_worker in WORKERS.items() if role_of_worker == role}
    workers |= set(SCHEDULERS)  # what they release meanwhile would be removed unseen, or make the routers write
    await _start_load(context)
    changer = LogChanger(installation, role, installation.contents.get_topics(role), is_stopped=is_stopped)
    if is_stopped:
        await installation.stop(*workers)
        removals = await _change_beside_backlog(context, change, changer)
        await installation.start(*workers)
    else:
        with installation.freeze(workers):
            removals = await _change_beside_backlog(context, change, changer)
    await context.workload.produce_rest()
    return removals


async def _change_beside_backlog(
    context: FaultContext, change: Callable[[LogChanger], Awaitable[list[Removal]]], changer: LogChanger
) -> list[Removal]:
    await context.workload.produce(context.count // 3)
    if context.changed_role != "router":  # the routers fill the topics
        await context.workload.wait_until_drained(300)
    return await change(changer)


async def _start_load(context: FaultContext) -> None:
    await context.workload.produce_backlog(context.count // 3)
    await context.workload.wait_until_started()


FAULTS = (
    Fault("broker frozen", freeze_broker, IN_FLIGHT),
    Fault("broker killed", kill_broker, IN_FLIGHT),
    Fault("router failover", fail_over_router, Limits(notifications=IN_FLIGHT.notifications)),
    Fault("scheduler failover", fail_over_scheduler, Limits(releases=IN_FLIGHT.releases)),
    Fault("log truncated", truncate_log, IN_FLIGHT),
    Fault("topic recreated", recreate_topic, IN_FLIGHT),
)
