"""The names of Herold's log lines: one wide line per batch, request or event, never with a body, address or token in it."""

from typing import Literal

LogName = Literal[
    "router.batch",  # a batch was decided: counts per state and reason
    "router.waits",  # profiles cannot be read: part of a batch waits
    "delivery.batch",  # a batch of deliveries ended: counts per outcome
    "delivery.dead",  # a delivery died: reason and ids
    "recorder.commit",  # a group of events was committed to PostgreSQL
    "recorder.waits",  # PostgreSQL does not answer: nothing is acknowledged meanwhile
    "recorder.stray",  # an event could not be recorded and went to the dead letters
    "policy.loaded",  # rules, templates and limits were read
    "policy.stale",  # they could not be read: the old ones go on
    "partitions.made",  # partitions of history were made ahead or dropped
    "gateway.request",  # an HTTP request was answered
    "gateway.unavailable",  # Kafka did not confirm a notification in time
    "worker.started",  # a role is ready to work
    "worker.failed",  # an unexpected exception ends the process; its batch stays unacknowledged
    "worker.lost",  # a partition went to another worker in mid-batch
]
