"""Metrics follow the naming conventions of Prometheus, and each is declared once."""

import re

import pytest

from schemas.metrics import METRICS, Metric


def test_metric_names_are_unique() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS) > 0


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_for_its_kind_and_unit(metric: Metric) -> None:
    assert re.fullmatch(r"herold_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_seconds") or metric.kind != "histogram"
    assert not metric.name.endswith("_seconds") or metric.kind != "counter"
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.description


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_label_has_a_bounded_set_of_values(metric: Metric) -> None:
    bounded_labels = {
        "priority",
        "channel",
        "state",
        "reason",
        "status",
        "status_code",
        "outcome",
        "result",
        "stage",
        "route",
        "partition",
        "topic",
        "table",
        "role",
        "direction",
        "cause",
        "resolution",
        "method",  # how somebody logged in
        "account",  # of a channel with several: a section of faust.yml, never a host of a webhook
        "provider",
        "log",  # audit or consent
        "list",  # of SendGrid's suppressions
        "report",  # a kind that this release knows, or `other`
        "place",  # worker or scheduler
    }
    assert set(metric.labels) <= bounded_labels
