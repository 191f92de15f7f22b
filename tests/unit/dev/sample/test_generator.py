"""The committed sample is the generated one, has 1,000 lines of every kind, and its README has the right counts."""

from collections import Counter

import pytest

from agents.router.gates.digest_words import DIGEST
from agents.router.gates.order import REASONS
from agents.scheduler.changes import CANCELLED
from dev.sample.generator import GENERATE_COMMAND, SAMPLE_SIZE, build_lines, count_expected, encode_lines
from dev.sample.sample_file import SAMPLE_FILE, load_sample
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES, Reason
from tables.postgres.seed import load_seed_policy

SAMPLE = build_lines()
RESULT_COUNTS, STATUS_COUNTS = count_expected(SAMPLE)
README = (SAMPLE_FILE.parent / "README.md").read_text()
RULES = load_seed_policy().rules


def test_the_committed_file_is_the_generated_one() -> None:
    assert SAMPLE_FILE.read_text() == encode_lines(), (
        f"docs/samples/shop.jsonl differs: run `{GENERATE_COMMAND}` and commit it with its README"
    )


def test_the_sample_can_be_loaded() -> None:
    assert len(load_sample("r", "http://127.0.0.1:1", "u-ruth")) == SAMPLE_SIZE == 1000


OWN_TYPES = {"account.password_reset"}  # Herold sends it to people who use it


def test_every_priority_channel_and_type_is_used() -> None:
    routed = [line for line in SAMPLE if line.expected[0] == "routed" and line.notification]
    sent = [line for line in SAMPLE if line.expected[0] in ("routed", f"merged {DIGEST}")]
    types = {line.notification["type"] for line in sent if line.notification}
    priorities = {line.priority or RULES[line.notification["type"]].priority or "medium" for line in routed if line.notification}
    channels = {channel for line in routed for channel in RULES[(line.notification or {})["type"]].channels}
    assert (types, priorities, channels) == (set(RULES) - OWN_TYPES, set(PRIORITIES), set(CHANNEL_NAMES))


@pytest.mark.parametrize("via", ["kafka", "http"])
def test_both_inputs_are_used_by_many_lines(via: str) -> None:
    assert sum(line.via == via for line in SAMPLE) > 200


def test_every_reason_occurs() -> None:
    delivery_reasons = {
        "rejected_recipient",
        "rejected_permanent",
        "opted_out",
        "unregistered_token",
        "invalid_token",
        "endpoint_gone",
        "misconfigured",
        "retries_exhausted",
    }
    reasons = {word for result in [*RESULT_COUNTS, *STATUS_COUNTS] for word in result.split()[1:]}
    # no input causes an unexpected error, an event that the recorder cannot store, or an invalid rule; the sample sends to no address that
    # is not allowed
    absent = {"unexpected_error", "unstorable", "invalid_rule", "address_not_allowed"}
    # no stub of a simulator answers so
    absent |= {"sender_id_mismatch"}
    # what has a send_at is released, or cancelled, and none expires so soon
    absent |= {"send_at", "expires_before_send_at"}
    # no digest is lost, and no line waits for the last step of an escalation
    absent |= {"digest_lost", "delivered", "sent", "read", "status_unknown", "no_escalation"}
    # the sample registers no endpoints, and expects what is so before a provider reports anything later
    absent |= {
        "endpoint_disabled",
        "endpoint_queue_full",
        "bounced",
        "blocked",
        "dropped",
        "complained",
        "undelivered",
        "filtered",
        "canceled",
        "unmatched",
    }
    # these are reasons of a delivery that waits
    absent |= {"account_paused", "too_many_bounces", "retry_budget", "endpoint_order"}
    # it ends before a call without an answer is found out
    absent |= {"unknown", "found_by_receipt", "found_at_provider"}
    # nobody is erased, nothing is sealed, no key is a test key, and no account has a rate
    absent |= {"erased", "seal_broken", "no_test_account", "call_rate"}
    # there is one project, and the gateway refuses a category that no rule has
    absent |= {"other_project", "unknown_category"}
    assert reasons == {*map(str, REASONS), *map(str, Reason)} - absent
    assert delivery_reasons <= {word for status in STATUS_COUNTS for word in status.split()[1:]}


def test_the_file_stays_small() -> None:
    assert SAMPLE_FILE.stat().st_size < 400_000
    assert max(map(len, SAMPLE_FILE.read_text().splitlines())) < 1000


def test_a_replay_uses_the_same_input_as_its_original() -> None:
    replays = [line for line in SAMPLE if line.replay_of]
    assert len(replays) == RESULT_COUNTS["replayed"] > 0
    assert all(SAMPLE[(line.replay_of or 0) - 1].via == line.via for line in replays)


def test_a_key_is_used_twice_by_the_same_user() -> None:
    notifications = [line.notification for line in SAMPLE if line.notification and "idempotency_key" in line.notification]
    keys = Counter((notification["user_id"], notification["idempotency_key"]) for notification in notifications)
    assert set(keys.values()) == {2}
    assert len(keys) == RESULT_COUNTS["rejected duplicate"] + RESULT_COUNTS["rejected duplicate_with_other_content"]


def test_only_the_burst_users_reach_a_rate_limit() -> None:
    sms_counts = Counter(
        (line.notification or {})["user_id"] for line in SAMPLE if line.expected[0] == "routed" and "sms" in str(line.notification)
    )
    assert {user for user, count in sms_counts.items() if count > 3} == {f"burst-{{run}}-{number}" for number in range(3)}


def test_what_is_cancelled_is_held_long_enough_and_what_is_released_is_not() -> None:
    cancelled = [line for line in SAMPLE if line.cancel]
    assert {line.expected[0] for line in cancelled} == {f"rejected {CANCELLED}"}
    assert all(line.send_after >= 600 for line in cancelled)
    released = [line for line in SAMPLE if line.send_after and not line.cancel]
    assert {line.via for line in released} == {line.via for line in cancelled} == {"kafka", "http"}
    assert all(0 < line.send_after < 5 for line in released), "a run waits for them"


def test_what_escalates_has_deliveries_on_each_channel_of_its_rule() -> None:
    escalating = [line for line in SAMPLE if line.escalates]
    assert escalating
    for line in escalating:
        rule = RULES[(line.notification or {})["type"]]
        assert (rule.strategy, len(line.expected) - 1) == ("escalate", len(rule.channels))


def test_each_digest_has_several_notifications() -> None:
    users = Counter((line.notification or {})["user_id"] for line in SAMPLE if line.expected[0] == f"merged {DIGEST}")
    assert set(users.values()) == {4}


@pytest.mark.parametrize(("word", "count"), [*RESULT_COUNTS.items(), *STATUS_COUNTS.items(), ("all", SAMPLE_SIZE)])
def test_the_readme_has_the_counts(word: str, count: int) -> None:
    name, _, reason = word.partition(" ")
    assert f"| {name} | {reason} | {count} |".replace("|  |", "| |") in README


def test_the_readme_has_no_other_counts() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| ") and line.rstrip(" |").split()[-1].isdigit()]
    assert len(rows) == len(RESULT_COUNTS) + len(STATUS_COUNTS) + 1
    assert sum(RESULT_COUNTS.values()) == SAMPLE_SIZE
    assert f"The {RESULT_COUNTS['routed']} routed ones have {STATUS_COUNTS.total()} deliveries" in README
