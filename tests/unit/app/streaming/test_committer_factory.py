"""Committers are built before Faust has created the consumer and the producer."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from app.streaming.application import add_table
from app.streaming.broker_clock import BrokerClock
from app.streaming.committer_factory import build_batch_committer, build_shared_outbox
from schemas.errors import RecordTooLargeError
from tests.fakes import run_pending_tasks
from tests.unit.app.streaming.app_builder import build_app
from tests.unit.app.streaming.fake_membership import FakeMembership
from tests.unit.app.streaming.fake_producer import FakeBatchProducer


def test_a_committer_and_a_shared_outbox_are_built_before_the_worker_starts(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    build_batch_committer(app, linger=0.0)  # neither uses the consumer or the producer yet
    build_shared_outbox(app, add_table(app, "attempts"), linger=0.0, max_records=1)
    assert app._consumer is None
    assert app._producer is None


async def test_the_clock_observes_the_acknowledgements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, producer = build_app(tmp_path), FakeBatchProducer()
    app.broker_clock = BrokerClock(lambda: 1000.0, lambda: 5.0)
    producer.append_time = 999_000
    monkeypatch.setattr(app, "_consumer", SimpleNamespace(membership=FakeMembership()))
    monkeypatch.setattr(app.producer, "_ensure_producer", lambda: producer)
    outbox = build_batch_committer(app, linger=0.0).create_outbox(0)
    outbox.add("t", 0, b"k", b"v")
    await outbox.flush()
    await run_pending_tasks()
    assert app.broker_clock.error == 1.0


@pytest.mark.parametrize(("topic", "limit"), [("small", 1000), ("other", 1_048_588)])
def test_the_size_limit_is_the_topics_or_kafkas_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, topic: str, limit: int) -> None:
    app = build_app(tmp_path, max_message_bytes={"small": 1000})
    producer = FakeBatchProducer()
    monkeypatch.setattr(app, "_consumer", SimpleNamespace(membership=FakeMembership()))
    monkeypatch.setattr(app.producer, "_ensure_producer", lambda: producer)
    outbox = build_batch_committer(app, linger=0.0).create_outbox(0)
    outbox.add(topic, 0, b"k", bytes(limit - 500))
    with pytest.raises(RecordTooLargeError, match=f"larger than {limit}"):
        outbox.add(topic, 0, b"k", bytes(limit))
