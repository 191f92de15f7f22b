"""The scheduler's worker: one table, an agent that stores what is scheduled, and a task that releases what is due."""

import asyncio
from typing import Any

from agents.scheduler.releaser import Releaser
from agents.scheduler.scheduler import Scheduler
from app.settings import Settings
from app.streaming.application import StreamApp, add_agents
from app.streaming.committer_factory import build_batch_committer
from app.topology import ALL_DELIVERIES_TOPICS, NOTIFICATIONS_TOPICS
from app.workers.assigned_partitions import AssignedPartitions
from app.workers.observers import SchedulerObserver
from app.workers.worker_builder import WorkerBuilder, build_priority_limits


def build_scheduler_app(role: str, settings: Settings) -> StreamApp:
    """Build the app of the scheduler."""
    section, prefix = settings.scheduler, settings.kafka.topic_prefix
    batch, in_flight = section.max_batch_records, section.max_in_flight_batches
    limits = build_priority_limits(settings.worker, batch, batch, batch, in_flight, in_flight)
    worker = WorkerBuilder(role, settings, limits)
    app, table, observer = worker.app, worker.tables["due"], SchedulerObserver(worker.metrics)
    committer, partitions = build_batch_committer(app, linger=section.linger), AssignedPartitions(app)
    releaser = Releaser(
        table=table,
        committer=committer,
        get_partitions=partitions.get_numbers,
        get_assignment_number=partitions.get_assignment_number,
        get_broker_time=worker.clock.get_broker_time,
        sleep=asyncio.sleep,
        interval=section.release_interval,
        max_entries=section.max_release_entries,
        observe=observer.on_release,
    )
    scheduler = Scheduler(
        table=table,
        get_queue=releaser.get_queue,
        committer=committer,
        clock=worker.clock,
        target_topics={prefix + topic for topic in (*NOTIFICATIONS_TOPICS, *ALL_DELIVERIES_TOPICS)},
        topic_prefix=prefix,
        observe=observer.on_batch_end,
        on_stored=releaser.wake_up,
    )
    add_agents(app, worker.source_topics, scheduler.run)
    worker.add_task("release", releaser.run_forever)

    async def wake_up(app: Any, **_: Any) -> None:
        releaser.wake_up()

    app.on_rebalance_complete.connect(wake_up, weak=False)
    return app
