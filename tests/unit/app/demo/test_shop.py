"""The committed sample is what is made, has its 1,000 lines of every kind, and is described as it is."""

from collections import Counter

import pytest

from app.demo.sample import FILE, load
from app.demo.shop import COMMAND, SIZE, lines, summary, text
from schemas.words import CHANNELS, LANES, Reason
from tables.postgres.seed import seed_policy

SAMPLE = lines()
FATES, STATUSES = summary(SAMPLE)
README = (FILE.parent / "README.md").read_text()
RULES = seed_policy().rules


def test_the_committed_file_is_what_is_made() -> None:
    assert FILE.read_text() == text(), f"docs/samples/shop.jsonl differs: run `{COMMAND}` and commit it with its README"


def test_it_can_be_loaded() -> None:
    assert len(load("r", "http://127.0.0.1:1")) == SIZE == 1000


def test_every_lane_channel_and_type_is_used() -> None:
    good = [line for line in SAMPLE if line.expect[0] == "routed" and line.notification]
    types = {line.notification["type"] for line in good if line.notification}
    lanes = {line.lane or RULES[line.notification["type"]].lane for line in good if line.notification}
    channels = {channel for line in good for channel in RULES[(line.notification or {})["type"]].channels}
    assert (types, lanes, channels) == (set(RULES), set(LANES), set(CHANNELS))


@pytest.mark.parametrize("via", ["kafka", "http"])
def test_both_ways_in_are_used_by_many(via: str) -> None:
    assert sum(line.via == via for line in SAMPLE) > 200


def test_every_reason_of_the_router_occurs() -> None:
    of_deliveries = {"rejected_recipient", "rejected_permanent", "opted_out", "token_dead", "endpoint_gone", "misconfigured", "exhausted"}
    reasons = {word for fate in [*FATES, *STATUSES] for word in fate.split()[1:]}
    assert reasons == set(map(str, Reason)) - {"unexpected"}  # a fault of our own, which no line can ask for
    assert of_deliveries <= {word for status in STATUSES for word in status.split()[1:]}


def test_the_file_stays_small() -> None:
    assert FILE.stat().st_size < 400_000
    assert max(map(len, FILE.read_text().splitlines())) < 1000


def test_what_is_sent_again_was_sent_before_the_same_way() -> None:
    again = [line for line in SAMPLE if line.again]
    assert len(again) == FATES["repeated"] > 0
    assert all(SAMPLE[(line.again or 0) - 1].via == line.via for line in again)


def test_a_key_is_used_twice_by_the_same_user() -> None:
    keyed = [line.notification for line in SAMPLE if line.notification and "idempotency_key" in line.notification]
    users = Counter((said["user_id"], said["idempotency_key"]) for said in keyed)
    assert set(users.values()) == {2}
    assert len(users) == FATES["refused duplicate"]


def test_no_user_but_the_bursting_ones_meets_a_limit() -> None:
    texts = Counter(
        (line.notification or {})["user_id"] for line in SAMPLE if line.expect[0] == "routed" and "sms" in str(line.notification)
    )
    assert {user for user, count in texts.items() if count > 3} == {f"burst-{{run}}-{number}" for number in range(3)}


@pytest.mark.parametrize(("word", "count"), [*FATES.items(), *STATUSES.items(), ("all", SIZE)])
def test_the_readme_has_the_counts(word: str, count: int) -> None:
    name, _, reason = word.partition(" ")
    assert f"| {name} | {reason} | {count} |".replace("|  |", "| |") in README


def test_the_readme_has_no_other_counts() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| ") and line.rstrip(" |").split()[-1].isdigit()]
    assert len(rows) == len(FATES) + len(STATUSES) + 1
    assert sum(FATES.values()) == SIZE
    assert f"The {FATES['routed']} routed ones have {STATUSES.total()} deliveries" in README
