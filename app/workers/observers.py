"""The observers of the roles: metrics, and one log line with all fields per batch. They never log an address, content or token."""

import logging

from agents.broadcasts.counter import CountDelay, CountedPage, FailedCount
from agents.broadcasts.expander import ExpandedPage, ExpansionDelay, FailedBroadcast
from agents.recorder.retrying_writer import HistoryCommit, Unrecordable, WriteRetry
from agents.recorder.waiting_reports import ReportDelay
from agents.redrives.redriver import FailedRedrive, RedriveDelay, RedriveEvent, RedrivenPage
from agents.router.evaluate import BatchSummary
from agents.scheduler.releaser import ReleaseSummary
from agents.scheduler.scheduler import BatchSummary as SchedulerBatchSummary
from agents.schedules.runner import InvalidSchedule, ScheduleDelay, ScheduleEvent
from app.telemetry import Metrics, log_event
from schemas import metrics as names
from schemas.enums import State
from schemas.history import WrittenReports
from schemas.schedules import StartedRuns
from schemas.suppression_sync import SyncDelay, SyncedList
from schemas.topics import parse_priority


class RouterObserver:
    """Called after every batch of the router, and when a batch must wait."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, batch: BatchSummary) -> None:
        """Count the batch and log one line; a batch that waits is a warning."""
        priority, count = parse_priority(batch.topic), self._metrics.increment
        for (state, reason), amount in batch.states.items():
            count(names.NOTIFICATIONS_DECIDED, amount, priority, state, reason)
            if state == State.DEAD:
                count(names.DEAD_LETTERS, amount, "router", reason)
        for cause, amount in batch.digests.items():
            count(names.DIGESTS, amount, priority, cause)
        for result, amount in (
            ("repartitioned", batch.repartitioned),
            ("replayed", batch.replays),
            ("decided", sum(batch.states.values())),
        ):
            if amount:
                count(names.ROUTER_RECORDS, amount, priority, result)
        self._metrics.observe_duration(names.ROUTER_BATCH_DURATION, batch.seconds, priority)
        self._log_batch(batch)

    def _log_batch(self, batch: BatchSummary) -> None:
        name, level = ("router.batch_delayed", logging.WARNING) if batch.waiting else ("router.batch_completed", logging.INFO)
        cause = {"cause": batch.cause} if batch.cause else {}
        log_event(
            name,  # type: ignore[arg-type]
            level,
            topic=batch.topic,
            partition=batch.partition,
            records=batch.records,
            states={f"{state}:{reason}".rstrip(":"): amount for (state, reason), amount in batch.states.items()},
            deliveries=batch.deliveries,
            repartitioned=batch.repartitioned,
            replayed=batch.replays,
            waiting=batch.waiting,
            duration_ms=round(batch.seconds * 1000, 2),
            **cause,
        )


class SchedulerObserver:
    """Called after every batch and every release of the scheduler."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_batch_end(self, batch: SchedulerBatchSummary) -> None:
        """Count the records and log one line."""
        priority = parse_priority(batch.topic)
        for result, amount in batch.results.items():
            self._metrics.increment(names.SCHEDULER_RECORDS, amount, priority, result)
        for reason, amount in batch.dead_letters.items():
            self._metrics.increment(names.DEAD_LETTERS, amount, "scheduler", reason)
        log_event(
            "scheduler.batch_completed",
            logging.WARNING if batch.dead_letters else logging.INFO,
            topic=batch.topic,
            partition=batch.partition,
            results=batch.results,
            dead_letters=batch.dead_letters,
            duration_ms=round(batch.seconds * 1000, 2),
        )

    def on_release(self, release: ReleaseSummary) -> None:
        """Count the entries and how late they were, and log one line."""
        for priority, lateness in release.lateness.items():
            self._metrics.increment(names.SCHEDULER_RELEASES, len(lateness), priority)
            series = self._metrics.get_duration_series(names.RELEASE_LATENESS, priority)
            for seconds in lateness:
                series.observe(seconds)
        log_event(
            "scheduler.released",
            partition=release.partition,
            entries={priority: len(lateness) for priority, lateness in release.lateness.items()},
            lateness_max_ms=round(max(map(max, release.lateness.values())) * 1000),
        )


class BroadcastObserver:
    """Called for every page of a broadcast, and when one fails or has to wait."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: ExpandedPage | FailedBroadcast | ExpansionDelay) -> None:
        """Count the event and log one line."""
        match event:
            case ExpandedPage():
                self._metrics.increment(names.BROADCAST_NOTIFICATIONS, event.user_count, event.priority)
                if event.is_last:
                    self._metrics.increment(names.BROADCASTS_ENDED, 1, "done")
                log_event(
                    "scheduler.broadcast_page_produced",
                    broadcast=event.broadcast_id,
                    priority=event.priority,
                    users=event.user_count,
                    is_last=event.is_last,
                    duration_ms=round(event.seconds * 1000, 2),
                )
            case FailedBroadcast():
                self._metrics.increment(names.BROADCASTS_ENDED, 1, "failed")
                log_event("scheduler.broadcast_failed", logging.ERROR, broadcast=event.broadcast_id, error=event.error)
            case ExpansionDelay():
                log_event("scheduler.broadcasts_delayed", logging.WARNING, cause=event.cause, seconds=event.seconds)


class CountObserver:
    """Called for every page of a broadcast that was counted, and when counts have to wait."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: CountedPage | FailedCount | CountDelay) -> None:
        """Count the cancels and log them, and what goes wrong."""
        match event:
            case CountedPage():
                if event.cancel_count:
                    self._metrics.increment(names.BROADCAST_CANCELS, event.cancel_count)
                    log_event("scheduler.broadcast_cancels_requested", broadcast=event.broadcast_id, cancels=event.cancel_count)
            case FailedCount():
                log_event(
                    "scheduler.broadcast_count_failed",
                    logging.ERROR,
                    broadcast=event.broadcast_id,
                    error=event.error,
                    seconds=event.seconds,
                )
            case CountDelay():
                log_event("scheduler.broadcast_counts_delayed", logging.WARNING, cause=event.cause, seconds=event.seconds)


class ScheduleObserver:
    """Called for every schedule that was due, and when schedules have to wait."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: ScheduleEvent) -> None:
        """Count the event and log one line."""
        match event:
            case StartedRuns():
                self._metrics.increment(names.SCHEDULE_RUNS, len(event.broadcast_ids), "started")
                self._metrics.increment(names.SCHEDULE_RUNS, event.plan.skipped_count, "skipped")
                log_event(
                    "scheduler.schedule_run",
                    logging.WARNING if event.plan.skipped_count else logging.INFO,
                    schedule=event.schedule_id,
                    broadcasts=event.broadcast_ids,
                    skipped=event.plan.skipped_count,
                    next_run_at=event.plan.next_run_at,
                )
            case InvalidSchedule():
                log_event("scheduler.schedule_ended", logging.ERROR, schedule=event.schedule_id, error=event.error)
            case ScheduleDelay():
                log_event("scheduler.schedules_delayed", logging.WARNING, cause=event.cause, seconds=event.seconds)


class RedriveObserver:
    """Called for every page of a redrive, and when one fails or has to wait."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: RedriveEvent) -> None:
        """Count the event and log one line."""
        match event:
            case RedrivenPage():
                for result, amount in event.results.items():
                    self._metrics.increment(names.REDRIVEN_DEAD_LETTERS, amount, result)
                log_event("scheduler.redrive_page_produced", redrive=event.redrive_id, results=event.results, is_last=event.is_last)
            case FailedRedrive():
                log_event("scheduler.redrive_failed", logging.ERROR, redrive=event.redrive_id, error=event.error)
            case RedriveDelay():
                log_event("scheduler.redrives_delayed", logging.WARNING, cause=event.cause, seconds=event.seconds)


class RecorderObserver:
    """Called for every commit, retry and unrecordable event of the recorder, and for what waited for its delivery."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: HistoryCommit | WriteRetry | Unrecordable | WrittenReports | ReportDelay) -> None:
        """Count the event and log one line."""
        match event:
            case HistoryCommit():
                self._report_commit(event)
                self._count_reports(event.reports)
            case WrittenReports():
                self._count_reports(event)
            case ReportDelay():
                log_event("recorder.database_unavailable", logging.WARNING, cause=event.cause, work="waiting_reports")
            case WriteRetry():
                log_event("recorder.database_unavailable", logging.WARNING, cause=event.cause, seconds=event.delay)
            case Unrecordable():
                dead_letter = event.dead_letter.dead_letter
                self._metrics.increment(names.DEAD_LETTERS, 1, "recorder", dead_letter.reason)
                log_event(
                    "recorder.dead_lettered",
                    logging.ERROR,
                    reason=dead_letter.reason,
                    topic=dead_letter.source_topic,
                    partition=dead_letter.source_partition,
                    offset=dead_letter.source_offset,
                )

    def _count_reports(self, reports: WrittenReports) -> None:
        for result, amount in (("applied", reports.applied), ("repeated", reports.repeated), ("waiting", reports.waiting)):
            if amount:
                self._metrics.increment(names.REPORTS, amount, result)

    def _report_commit(self, commit: HistoryCommit) -> None:
        counts = {"notifications": commit.notifications, "delivery_logs": commit.attempts, "dead_letters": commit.dead_letters}
        for table, amount in counts.items():
            if amount:
                self._metrics.increment(names.RECORDER_ROWS, amount, table)
        self._metrics.observe_duration(names.RECORDER_COMMIT_DURATION, commit.seconds)
        log_event("recorder.batch_committed", **counts, duration_ms=round(commit.seconds * 1000, 2))


class SuppressionSyncObserver:
    """Called for every list of a provider that was read, and when one cannot be read."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: SyncedList | SyncDelay) -> None:
        """Count the event and log one line."""
        if isinstance(event, SyncDelay):
            log_event("scheduler.suppression_sync_delayed", logging.WARNING, cause=event.cause)
            return
        self._metrics.increment(names.SYNCED_SUPPRESSIONS, event.added, event.name)
        log_event("scheduler.suppressions_synced", account=event.account, list=event.name, read=event.read, added=event.added)
