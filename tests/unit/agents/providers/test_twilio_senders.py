"""Senders by country, and pools of which a recipient keeps one."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.providers.twilio_senders import SenderChoice, parse_senders

SERVICE = "MG" + "0123456789abcdefABCDEF0123456789"
NUMBERS = [f"+43660{number:07}" for number in range(3000)]


def test_entries_with_one_beginning_are_a_pool() -> None:
    text = f"+43=+436601, +43 = 12345,+1={SERVICE}, *=My Shop"
    assert parse_senders(text) == {"+43": ("+436601", "12345"), "+1": (SERVICE,), "*": ("My Shop",)}
    assert parse_senders(" ") == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("+43", "entry 1 must be the beginning"),
        ("+43=Shop,", "entry 2 must be the beginning"),
        ("43=Shop", "entry 1 must be the beginning"),
        ("+0=Shop", "entry 1 must be the beginning"),
        ("+43=", "the sender of entry 1"),
        ("+43=A name too long", "the sender of entry 1"),
        ("+43=Übel", "the sender of entry 1"),
        ("+43=+0123", "the sender of entry 1"),
        ("+43=Shop, +1=Shop", "entry 2: nobody in the United States"),
        ("+43=Shop, +43=Shop", "entry 2 repeats"),
    ],
)
def test_a_wrong_entry_is_named_by_its_number(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_senders(text)


@pytest.mark.parametrize(
    ("number", "sender"), [("+4366012345", b"43660"), ("+431234567", b"43"), ("+4912345678", b"any"), ("+4", b"any"), ("+43660", b"43660")]
)
def test_the_longest_beginning_decides(number: str, sender: bytes) -> None:
    assert SenderChoice({"+43": [b"43"], "+43660": [b"43660"], "*": [b"any"]}, b"default").choose(number) == sender


def test_without_a_sender_for_all_others_it_is_the_default() -> None:
    assert SenderChoice({"+43": [b"43"]}, b"default").choose("+49123") == b"default"


def test_a_pool_is_used_evenly() -> None:
    choice = SenderChoice({"+43": [b"From=%2B1", b"From=%2B2", b"From=%2B3"]}, b"")
    counts = Counter(map(choice.choose, NUMBERS))
    assert len(counts) == 3
    assert all(900 < count < 1100 for count in counts.values())


@given(pool=st.lists(st.binary(min_size=1, max_size=80), min_size=2, max_size=5, unique=True), number=st.sampled_from(NUMBERS))
def test_a_recipient_keeps_the_sender_while_others_come_and_go(pool: list[bytes], number: str) -> None:
    chosen = SenderChoice({"+43": pool}, b"").choose(number)
    assert SenderChoice({"+43": [*reversed(pool)]}, b"").choose(number) == chosen
    for removed in pool:
        if removed != chosen:
            assert SenderChoice({"+43": [one for one in pool if one != removed]}, b"").choose(number) == chosen
