"""Runs the rounds of faults and collects the evidence of each."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator

from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC
from tests.chaos.workload import Workload, WorkloadMix, generate_records
from tests.faults.evidence import NO_REPEATS, Evidence
from tests.faults.faults import FAULTS, Fault, FaultContext
from tests.faults.installation import WITH_TABLES, FaultInstallation
from tests.topic_reader import TopicReader, open_topic_reader

SETTLE_SECONDS = 180.0
PRODUCER_OPTIONS = {"enable_idempotence": True, "request_timeout_ms": 300_000}  # longer than an outage: each record is written once
MURMUR2_SHARE = DUPLICATE_SHARE = DELAYED_SHARE = 0.1
HELD_USER_SHARE = 0.01


async def run_rounds(installation: FaultInstallation, rounds: int, count: int, stop_seconds: float) -> AsyncIterator[Evidence]:
    """Run all faults in each round, then compare all tables; `count` notifications in total."""
    for number in range(rounds):
        for index, fault in enumerate(FAULTS):
            name = f".r{number}f{index}"
            yield await _run_fault(installation, fault, number, _build_mix(count // (rounds * len(FAULTS)), name), stop_seconds)
        yield await _compare_tables(installation, number, is_last=number == rounds - 1)
    yield await _compare_history(installation)


def _build_mix(count: int, name: str) -> WorkloadMix:
    held_user_count = max(1, round(count * HELD_USER_SHARE))
    return WorkloadMix(count, 0, MURMUR2_SHARE, DUPLICATE_SHARE, name, DELAYED_SHARE, held_user_count)


async def _run_fault(installation: FaultInstallation, fault: Fault, number: int, mix: WorkloadMix, stop_seconds: float) -> Evidence:
    started = time.monotonic()
    records = generate_records(mix, seed=zlib.crc32(mix.name.encode()))
    evidence = Evidence(f"round {number + 1}, {fault.name}", fault.limits, addresses={record.address for record in records})
    contents = installation.contents
    counted, decided_again, released_again = contents.notification_count, contents.decided_again, contents.holds.released_again
    await installation.count_read()
    async with Workload(installation.cluster, records, **PRODUCER_OPTIONS) as workload:
        try:
            evidence.removals = await fault.inject(FaultContext(installation, workload, len(records), number, stop_seconds))
        except TimeoutError as error:
            installation.problems.append(str(error))
    if evidence.removals and all(removal.is_exact for removal in evidence.removals):
        evidence.limits = NO_REPEATS  # the workers stopped in order, so nothing was in flight
    installation.send_times |= workload.send_times
    async with open_topic_reader(installation.cluster.urls.kafka) as reader:
        await _wait_until_released(installation, evidence, reader)
        await installation.settle(reader, "email", contents.delivery_topics, SETTLE_SECONDS)
        await contents.read_logs(reader)
        await contents.read_events(reader)
    await _collect(installation, evidence)
    evidence.held = contents.holds.addresses & evidence.addresses
    evidence.released_again = contents.holds.released_again - released_again
    evidence.decided_again = contents.decided_again - decided_again
    evidence.read_again = max(0, await installation.count_read() - (contents.notification_count - counted))
    evidence.seconds = time.monotonic() - started
    return evidence


async def _wait_until_released(installation: FaultInstallation, evidence: Evidence, reader: TopicReader) -> None:
    """Wait until nothing is held and the routers have decided all that was; also what comes back may be held again."""
    deadline, contents = time.monotonic() + SETTLE_SECONDS, installation.contents

    async def find_waiting() -> set[str]:
        await contents.read_logs(reader)
        evidence.alarms += installation.read_alarms()
        return (contents.holds.waiting & evidence.addresses) - evidence.reported

    waiting = {"unknown"}
    while waiting and time.monotonic() < deadline:
        waiting = await find_waiting()
        await installation.settle(reader, "router", contents.notification_topics, SETTLE_SECONDS)
        await installation.settle(reader, "scheduler", contents.scheduled_topics, SETTLE_SECONDS)
        waiting |= await find_waiting()
        await asyncio.sleep(0.2 if waiting else 0)
    if waiting:
        installation.problems.append(f"{len(waiting)} notifications are still held after {SETTLE_SECONDS:.0f} s")


async def _collect(installation: FaultInstallation, evidence: Evidence) -> None:
    evidence.repeated_requests = await installation.read_requests()
    evidence.requests = installation.requests
    evidence.alarms += installation.read_alarms()
    evidence.early = (installation.early | installation.contents.holds.early) & evidence.addresses
    evidence.problems, installation.problems = installation.problems, []


async def _compare_tables(installation: FaultInstallation, number: int, *, is_last: bool) -> Evidence:
    started = time.monotonic()
    evidence = Evidence(f"round {number + 1}, tables")
    await installation.stop(*WITH_TABLES)
    evidence.table_count, evidence.tables = await installation.compare_tables(*WITH_TABLES)
    if not is_last:
        await installation.start(*WITH_TABLES)
    await _collect(installation, evidence)
    evidence.seconds = time.monotonic() - started
    return evidence


async def _compare_history(installation: FaultInstallation) -> Evidence:
    """Wait for the recorder; the history must have all that the events are about, and there are no dead letters."""
    cluster, started = installation.cluster, time.monotonic()
    evidence = Evidence("history")
    async with open_topic_reader(cluster.urls.kafka) as reader:
        await installation.settle(reader, "recorder", [cluster.prefix + STATUS_TOPIC], SETTLE_SECONDS)
        await installation.contents.read_events(reader)
    await _collect(installation, evidence)
    for table, count in installation.contents.history_counts.items():
        if (recorded := await cluster.fetch_value(f"select count(*) from {table}")) != count:
            evidence.problems.append(f"the history has {recorded} {table}, but the events are about {count}")
    if dead_letters := await cluster.count_records(DEAD_LETTER_TOPIC):
        evidence.problems.append(f"{dead_letters} dead letters")
    evidence.seconds = time.monotonic() - started
    return evidence
