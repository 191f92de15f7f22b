"""One short round of the fault script (tests/faults), and its judgement: each kind of failure is found."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from app.topology import get_role_spec
from dev.stack.stack import ServerUrls
from tests.cluster import PARTITIONS
from tests.faults.evidence import Evidence, Limits, PositionAlarm, Removal
from tests.faults.fault_run import run_rounds
from tests.faults.installation import open_installation
from tests.faults.log_contents import HeldNotifications
from tests.server_processes import KafkaBroker

STOP_SECONDS = 3.0
NOTIFICATIONS = 3000
SESSION_TIMEOUT = "15"  # seconds; longer than a worker is frozen while its topics are made anew, or another one continues without an alarm
# each router and scheduler has all partitions of its tables, half of them as standbys; the e-mail worker has one table
TABLE_PARTITIONS = (2 * sum(len(get_role_spec(role).tables) for role in ("router", "scheduler")) + 1) * PARTITIONS

TOPIC = "t.notifications.low"
REMOVED = Removal(TOPIC, 1, committed=4, first_offset=6, is_new_log=False, is_exact=True, addresses={3: "c", 4: "d", 5: "e"})
ALARM = PositionAlarm("a", TOPIC, 1, 4, 6)
EVIDENCE = Evidence("fault", addresses=set("cdefg"), requests=Counter("cfg"), removals=[REMOVED], alarms=[ALARM])


@pytest.mark.slow
@pytest.mark.timeout(1800)  # it takes minutes; a slow machine needs several times as long
async def test_a_round_of_faults_loses_nothing_without_a_report(
    broker: KafkaBroker, database_url: str, redis_url: str, prefix: str, tmp_path: Path
) -> None:
    urls = ServerUrls(broker.url, database_url, redis_url)
    await broker.wait_until_available()
    async with open_installation(tmp_path, urls, broker, prefix, HEROLD_KAFKA_SESSION_TIMEOUT=SESSION_TIMEOUT) as installation:
        collected = [evidence async for evidence in run_rounds(installation, 1, NOTIFICATIONS, STOP_SECONDS)]
    print("\n".join(evidence.format() for evidence in collected))
    assert {evidence.title: failures for evidence in collected if (failures := evidence.judge())} == {}
    assert sum(len(evidence.removals) for evidence in collected) > 0
    assert sum(evidence.table_count for evidence in collected) == TABLE_PARTITIONS
    assert all(evidence.held for evidence in collected if evidence.addresses)
    assert sum(len(evidence.addresses) for evidence in collected) > NOTIFICATIONS * 0.9
    assert any(resume_count > 1 for _, resume_count in installation.contents.holds.releases), "none was held twice"


def test_what_is_removed_and_reported_is_no_failure() -> None:
    assert EVIDENCE.judge() == []
    assert EVIDENCE.reported == {"d", "e"}


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"requests": Counter("cf")}, "1 notifications lost, although the log has them: g"),
        ({"requests": Counter("fg")}, "1 notifications removed from the log, but no alarm reports them: c"),
        ({"alarms": [ALARM, ALARM._replace(partition=2)]}, "alarm without a removal: .*partition=2"),
        ({"alarms": [ALARM, ALARM._replace(to_offset=0)]}, "alarm without a removal: .*to_offset=0"),
        ({"repeated_requests": 3}, "3 requests repeated, at most 2 were in flight"),
        ({"decided_again": 6}, "6 notifications decided again, at most 5 were in flight"),
        ({"read_again": 6}, "6 notifications read again without an alarm"),
        ({"released_again": 4}, "4 held notifications released again, at most 3 were in flight"),
        ({"early": {"c"}}, "1 notifications released or sent before their time: c"),
        ({"tables": ["the tables of a differ"]}, "the tables of a differ"),
        ({"problems": ["a ended by itself"]}, "a ended by itself"),
    ],
)
def test_each_kind_of_failure_is_found(changes: dict[str, object], failure: str) -> None:
    (found,) = replace(EVIDENCE, limits=Limits(requests=2, notifications=5, releases=3), **changes).judge()
    assert re.match(failure, found)


@pytest.mark.parametrize("alarms", [[], [ALARM._replace(from_offset=5)], [ALARM._replace(to_offset=5)]])
def test_a_missing_or_wrong_alarm_is_found(alarms: list[PositionAlarm]) -> None:
    failures = replace(EVIDENCE, alarms=alarms).judge()
    assert "2 notifications removed from the log, but no alarm reports them: d, e" in failures
    assert f"no alarm: {TOPIC} partition 1 was to continue at 4, has 6" in failures


def test_a_new_log_must_be_reported_even_if_nothing_is_lost() -> None:
    new_log = REMOVED._replace(first_offset=0, is_new_log=True, is_exact=False)
    evidence = replace(EVIDENCE, addresses=set("cfg"), removals=[new_log], alarms=[])
    assert evidence.judge() == [f"no alarm: {TOPIC} partition 1 was to continue at 4, has 0"]
    assert replace(evidence, alarms=[ALARM._replace(from_offset=7, to_offset=0)]).judge() == []
    assert replace(evidence, removals=[new_log._replace(committed=0)]).judge() == []


def test_releases_are_compared_with_the_holds_before_them() -> None:
    holds = HeldNotifications()
    for release, due_at in ((("a", 1), 10.0), (("a", 1), 12.0), (("b", 1), 10.0), (("b", 2), 20.0)):
        holds.add_hold(release, due_at)
    for release, at in ((("a", 1), 10.0), (("a", 1), 10.5), (("b", 1), 9.9)):
        holds.add_release(release, at)
    assert (holds.waiting, holds.early, holds.released_again) == ({"b"}, {"b"}, 0)
    holds.add_release(("b", 1), 10.0)
    assert holds.released_again == 1, "it was scheduled once and released twice"
