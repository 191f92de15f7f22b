"""What is logged and counted of links and checkpoints."""

import logging

import pytest

from agents.log_linker import LinkDelay
from app.telemetry import Metrics
from app.workers.log_link_observer import LogLinkObserver
from schemas.checkpoints import CheckpointKeys, LinkedLog

CHECKPOINT = CheckpointKeys([b"k" * 32]).sign("audit", 7, b"h" * 32, 5)


def test_a_checkpoint_is_logged_with_all_that_shows_later_if_the_log_was_cut(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    with caplog.at_level(logging.INFO):
        LogLinkObserver(metrics)(LinkedLog("audit", 3, False, CHECKPOINT))
    fields = vars(caplog.records[0])["fields"]
    assert (fields["log"], fields["number"], fields["hash"]) == ("audit", 7, (b"h" * 32).hex())
    rendered = metrics.encode_metrics().decode()
    assert 'herold_linked_entries_total{log="audit"} 3.0' in rendered
    assert 'herold_log_checkpoints_total{log="audit"} 1.0' in rendered


def test_links_alone_are_counted_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LogLinkObserver(Metrics())(LinkedLog("audit", 3, False, None))
    assert caplog.records == []


def test_a_delay_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    LogLinkObserver(Metrics())(LinkDelay("away", 2.0))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
