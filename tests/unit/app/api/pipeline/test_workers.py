import pytest
from msgspec.structs import replace

from app.api.pipeline.groups import ConsumerGroup
from app.api.pipeline.reports import WorkerAnswer
from app.api.pipeline.workers import NOT_REGISTERED, build_recovery, build_role, build_workers, describe_role_problem
from schemas.worker_reports import RecoveryReport
from tests.unit.app.api.pipeline.builders import NOW, TABLE, build_answer, build_groups, build_member, build_snapshot

GATEWAY = build_role(build_snapshot(), "router").workers[0]


def test_a_worker_that_runs_says_what_it_does() -> None:
    (worker,) = build_role(build_snapshot(answers=[build_answer("router", tables=[TABLE])]), "router").workers
    assert (worker.worker, worker.activity, worker.version, worker.memory_bytes) == ("router-1:6066", "running", "1.0", 100_000_000)
    assert (worker.started_at, worker.activity_since, worker.partitions) == (NOW - 600, NOW - 500, [0, 1])


def test_a_worker_of_webhooks_says_how_many_wait_behind_another_one() -> None:
    answers = [build_answer("webhook", ordered_waiting=7), WorkerAnswer("webhook", "http://webhook-2:6066", None, "it does not answer")]
    assert [one.ordered_waiting for one in build_role(build_snapshot(answers=answers), "webhook").workers] == [7, 0]


def test_a_worker_that_does_not_answer_has_the_partitions_that_kafka_gave_it() -> None:
    silent = WorkerAnswer("router", "http://router-1:6066", None, "it does not answer")
    role = build_role(build_snapshot(answers=[silent]), "router")
    assert [(one.activity, one.partitions, one.problem) for one in role.workers] == [("silent", [0, 1], "it does not answer")]


def test_a_member_that_is_not_registered_is_shown() -> None:
    groups = build_groups(router=ConsumerGroup("Stable", (build_member("router", 0), build_member("router", 1, name="2"))))
    role = build_role(build_snapshot(groups=groups, answers=[build_answer("router")]), "router")
    assert [(one.worker, one.problem) for one in role.workers] == [("router-1:6066", ""), ("router-2:6066", NOT_REGISTERED)]


def test_workers_of_a_role_without_tables_are_found_by_their_partitions() -> None:
    members = [build_member("recorder", partition, name=str(partition))._replace(url="") for partition in (0, 1)]
    answers = [build_answer("recorder", partitions=[1]), WorkerAnswer("recorder", "http://recorder-2:6066", None, "it does not answer")]
    snapshot = build_snapshot(groups=build_groups(recorder=ConsumerGroup("Stable", tuple(members))), answers=answers)
    found = {one.worker: one.partitions for one in build_role(snapshot, "recorder").workers}
    assert found == {"recorder-1:6066": [1], "recorder-2:6066": [], "10.0.0.1": [0]}
    assert (snapshot.find_worker("recorder", 0), snapshot.find_worker("recorder", 1)) == ("10.0.0.1", "recorder-1:6066")


def test_without_kafka_workers_speak_for_themselves() -> None:
    role = build_role(build_snapshot(groups={}, answers=[build_answer("router")]), "router")
    assert (role.group_state, role.unassigned, role.problem, len(role.workers)) == ("", [], "", 1)


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        (ConsumerGroup("Empty", ()), "no worker runs"),
        (ConsumerGroup("PreparingRebalance", (build_member("router"),)), "its partitions are being reassigned"),
        (ConsumerGroup("Stable", (build_member("router", 0),)), "nobody reads partition 1"),
        (ConsumerGroup("Stable", (build_member("router"),)), "nobody reads partitions 0, 1"),
        (ConsumerGroup("Stable", (build_member("router", 0), build_member("router", 1))), ""),
    ],
)
def test_what_is_wrong_with_a_role(group: ConsumerGroup, problem: str) -> None:
    snapshot = build_snapshot(groups=build_groups(router=group))
    assert describe_role_problem(snapshot, "router") == problem
    assert describe_role_problem(snapshot, "email") == ""


def test_what_was_known_of_a_role_is_no_problem_now() -> None:
    groups = build_groups(router=ConsumerGroup("Empty", ()))
    assert describe_role_problem(build_snapshot(groups=groups, problems={"groups": "away"}), "router") == ""


def test_a_recovery_ends_when_its_pace_says() -> None:
    first, second = RecoveryReport(100, 40, 6.0), RecoveryReport(100, 90, 1.0)
    state = build_recovery([first, second])
    assert state is not None
    assert (state.total, state.remaining, state.seconds, state.seconds_left) == (200, 130, 6.0, 9.0)
    unknown = build_recovery([first, RecoveryReport(100, 100, 0.0)])
    assert unknown is not None
    assert unknown.seconds_left is None
    assert build_recovery([]) is None


def test_all_versions_are_named() -> None:
    answers = [build_answer("router"), build_answer("email", version="1.1")]
    response = build_workers(build_snapshot(answers=answers), replace(GATEWAY, version="1.2"))
    assert response.versions == ["1.0", "1.1", "1.2"]
    assert [role.role for role in response.roles][:2] == ["router", "email"]
