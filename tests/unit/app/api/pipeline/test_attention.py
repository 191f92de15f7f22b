import pytest
from msgspec.structs import replace

from app.api.pipeline.attention import list_attention
from app.api.pipeline.groups import ConsumerGroup
from app.api.pipeline.reports import WorkerAnswer
from app.api.pipeline.snapshot import Snapshot
from app.api.provider_bodies import OpenBreaker
from schemas.dead_letters import DeadLetterCounts
from tests.unit.app.api.pipeline.builders import (
    BROKEN,
    NOW,
    build_answer,
    build_groups,
    build_member,
    build_offsets,
    build_series,
    build_snapshot,
)


def list_texts(snapshot: Snapshot) -> list[tuple[str, str, str]]:
    return [(item.severity, item.text, item.url.removeprefix("/dashboard")) for item in list_attention(snapshot)]


def build_lag(topic: str, seconds: float) -> Snapshot:
    """50 records that have waited so long."""
    return build_snapshot(series=build_series(*(build_offsets(at, {topic: (60, 10)}) for at in (NOW - seconds, NOW))))


def test_nothing_needs_attention_while_all_is_well() -> None:
    assert list_attention(build_snapshot()) == []


def test_the_worst_comes_first() -> None:
    groups = build_groups(router=ConsumerGroup("Empty", ()))
    snapshot = build_snapshot(groups=groups, dead_letters=DeadLetterCounts(5, 3, 4), accounts=[BROKEN])
    assert [item.severity for item in list_attention(snapshot)] == ["critical", "warning", "notice"]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (ConsumerGroup("Empty", ()), ("critical", "No worker of the role router runs: what it reads waits")),
        (
            ConsumerGroup("Stable", (build_member("router", 0),)),
            ("critical", "The role router does not read all: nobody reads partition 1"),
        ),
        (
            ConsumerGroup("CompletingRebalance", (build_member("router"),)),
            ("warning", "The partitions of the role router have been reassigned for 45 s"),
        ),
    ],
)
def test_a_role_that_does_not_work_needs_somebody(group: ConsumerGroup, expected: tuple[str, str]) -> None:
    snapshot = build_snapshot(groups=build_groups(router=group), rebalancing_since={"router": NOW - 45})
    assert list_texts(snapshot) == [(*expected, "/workers?role=router")]


def test_a_rebalance_of_a_few_seconds_is_usual() -> None:
    groups = build_groups(router=ConsumerGroup("PreparingRebalance", ()))
    groups["router"] = ConsumerGroup("PreparingRebalance", (build_member("router"),))
    assert list_attention(build_snapshot(groups=groups, rebalancing_since={"router": NOW - 5})) == []


def test_a_silent_worker_matters_while_it_has_partitions() -> None:
    silent = WorkerAnswer("router", "http://router-1:6066", None, "it does not answer within 0.8 s")
    text = "A worker of the role router has partitions, and it does not answer within 0.8 s"
    assert list_texts(build_snapshot(answers=[silent])) == [("warning", text, "/workers?role=router")]
    assert list_attention(build_snapshot(answers=[silent._replace(url="http://router-9:6066")])) == []


def test_workers_that_recover_or_are_blocked_are_named() -> None:
    answers = [build_answer("router", activity="recovering"), build_answer("email", loop_lag=2.0)]
    assert [text for _, text, _ in list_texts(build_snapshot(answers=answers))] == [
        "The event loop of a worker of the role email was blocked for 2.0 s",
        "The role router starts: a worker recovers its tables",
    ]


@pytest.mark.parametrize(
    ("topic", "seconds", "expected"),
    [
        ("notifications.high", 12.0, ("critical", "50 records of priority high have waited for the role router 12 s or longer")),
        ("deliveries.sms.low", 200.0, ("warning", "50 records of priority low have waited for the role sms 3 min or longer")),
        ("notifications.high", 8.0, None),
        ("deliveries.sms.low", 39.0, None),
    ],
)
def test_what_waits_beyond_its_target_is_named(topic: str, seconds: float, expected: tuple[str, str] | None) -> None:
    found = list_texts(build_lag(topic, seconds))
    assert found == ([(*expected, f"/topology?node=topic:{topic}")] if expected else [])


def test_the_recorder_has_a_minute() -> None:
    assert list_attention(build_lag("notifications.status", 50)) == []
    (found,) = list_texts(build_lag("notifications.status", 70))
    assert found[1:] == ("50 records have waited for the recorder 70 s or longer", "/topology?node=role:recorder")


def test_an_open_breaker_leads_to_its_account() -> None:
    text = "The breaker of sendgrid (email) is open: account fault"
    assert list_texts(build_snapshot(accounts=[BROKEN])) == [("warning", text, "/providers?account=sendgrid")]


def test_an_account_that_an_operator_has_paused_is_a_notice() -> None:
    paused = replace(BROKEN, breaker=OpenBreaker("operator", NOW + 300))
    text = "sendgrid (email) is paused by an operator"
    assert list_texts(build_snapshot(accounts=[paused])) == [("notice", text, "/providers?account=sendgrid")]


@pytest.mark.parametrize(
    ("counts", "severity"),
    [
        (DeadLetterCounts(5, 3, 1), "warning"),
        (DeadLetterCounts(5, 3, 3), "notice"),
        (DeadLetterCounts(0, 3, 0), None),
        (DeadLetterCounts(9, 0, 5), None),
    ],
)
def test_dead_letters_of_the_last_hour_are_named(counts: DeadLetterCounts, severity: str | None) -> None:
    assert [item.severity for item in list_attention(build_snapshot(dead_letters=counts))] == ([severity] if severity else [])


def test_two_versions_are_named() -> None:
    (found,) = list_texts(build_snapshot(answers=[build_answer("router"), build_answer("email", version="1.1")]))
    assert found == ("notice", "Workers of the versions 1.0 and 1.1 run at the same time", "/workers")


@pytest.mark.parametrize(
    ("source", "severity"),
    [("offsets", "critical"), ("groups", "critical"), ("reports", "warning"), ("accounts", "warning"), ("dead_letters", "critical")],
)
def test_a_source_that_is_down_needs_somebody(source: str, severity: str) -> None:
    assert [item.severity for item in list_attention(build_snapshot(problems={source: "away"}))] == [severity]
