"""The names of Herold's log lines: one wide line per batch, request or event, never with a body, address or token in it."""

from typing import Literal

LogEvent = Literal[
    "router.batch_completed",  # a batch was decided: counts per state and reason
    "router.batch_delayed",  # profiles cannot be read: part of a batch waits
    "delivery.batch_completed",  # a batch of deliveries ended: counts per outcome
    "delivery.dead_lettered",  # a delivery died: reason and ids
    "recorder.batch_committed",  # a group of events was committed to PostgreSQL
    "recorder.database_unavailable",  # PostgreSQL does not answer: nothing is acknowledged meanwhile
    "recorder.dead_lettered",  # an event could not be recorded and went to the dead letters
    "policy.loaded",  # rules, templates and limits were read
    "policy.refresh_failed",  # they could not be read: the old ones go on
    "partitions.maintained",  # partitions of history were made ahead or dropped
    "gateway.request_completed",  # an HTTP request was answered
    "gateway.produce_failed",  # Kafka did not confirm a notification in time
    "worker.started",  # a role is ready to work
    "worker.failed",  # an unexpected exception ends the process; its batch stays unacknowledged
    "worker.partition_fenced",  # a partition went to another worker in mid-batch
]
