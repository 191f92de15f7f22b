"""The words about a digest: of what was merged, of a digest that gathers, and of one that is decided."""

from typing import Any

import pytest

from agents.router.gates.digest_words import REASONS, REMEDIES, describe
from agents.router.gates.wording import Facts, write_sentence
from schemas.enums import State
from schemas.events import DecidedEvent
from tests.unit.agents.router.harness import NOW

MERGED = DecidedEvent("ntf_1", "u", State.MERGED, NOW, NOW, "low", duplicate_of="ntf_d")
HELD = DecidedEvent("ntf_d", "u", State.HELD, NOW, NOW, "low")
NOW_TEXT = "2025-10-09 08:53:20 UTC"


@pytest.mark.parametrize(
    ("event", "inputs", "reason", "remedy"),
    [
        (MERGED, {"sent_at": NOW}, f"merged into the digest ntf_d, which is sent at {NOW_TEXT} or before", "choose no digest"),
        (MERGED, {}, "it was merged into the digest ntf_d", "choose no digest"),
        (HELD, {"until": NOW}, "it gathers notifications until then", "it is sent before if it is full"),
    ],
)
def test_what_was_merged_names_its_digest_and_a_digest_says_that_it_gathers(
    event: DecidedEvent, inputs: dict[str, Any], reason: str, remedy: str
) -> None:
    facts = Facts(event, inputs)
    assert reason in write_sentence(REASONS["digest"], facts)
    assert remedy in write_sentence(REMEDIES["digest"], facts)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, ""),
        (
            {"sent_at": NOW, "number": 2, "key_fault": "it gives INT, not text"},
            "number 2 in it; its rule gives no key: it gives INT, not text",
        ),
        ({"until": NOW, "first": "ntf_1", "key": "a"}, "it began with ntf_1; its key is 'a'"),
        (
            {"count": 2, "cause": "window", "events": ["ntf_1", "ntf_2"], "expired": ["ntf_3"]},
            "2 in it: ntf_1, ntf_2; left out, because they had expired: ntf_3",
        ),
    ],
)
def test_the_entry_says_what_is_in_a_digest(inputs: dict[str, Any], words: str) -> None:
    assert describe(Facts(MERGED, inputs)) == words
