"""Undoes the process-wide patches of a worker after each test, so that later tests use unpatched aiokafka."""

import gc
from collections.abc import Iterator

import aiokafka.codec
import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.fetcher import PartitionRecords


@pytest.fixture(autouse=True)
def _restore_process_settings() -> Iterator[None]:
    threshold = gc.get_threshold()
    record, level, send = PartitionRecords._consumer_record, aiokafka.codec.lz4_encode.__defaults__, AIOKafkaConnection.send
    yield
    PartitionRecords._consumer_record, aiokafka.codec.lz4_encode.__defaults__, AIOKafkaConnection.send = record, level, send
    gc.set_threshold(*threshold)
    gc.unfreeze()
