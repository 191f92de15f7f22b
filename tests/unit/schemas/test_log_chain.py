"""The hash chain as its definition says, and how each break of it is described."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.log_chain import EMPTY_CHAIN, NOBODY, ChainHead, Link, LogEntry, compute_digest, encode_texts, extend_chain, find_break

ENTRY = LogEntry("0" * 32, ("audit", "a", "ü"), ("u-1",), b"s" * 16)
OTHER = LogEntry("1" * 32, ("audit", "b", ""), ("",), b"t" * 16)


def test_the_hashes_are_those_of_the_definition() -> None:
    person = sha256(b"s" * 16 + b"3:u-1,").digest()
    digest = sha256(b"5:audit,1:a,2:\xc3\xbc,64:" + person.hex().encode() + b",").digest()
    first = sha256(bytes(32) + (1).to_bytes(8, "big") + digest).digest()
    links = extend_chain(EMPTY_CHAIN, [ENTRY, OTHER])
    assert links[0] == Link(1, "0" * 32, person, first)
    second = sha256(first + (2).to_bytes(8, "big") + compute_digest(OTHER.fields, links[1].person)).digest()
    assert (links[1].number, links[1].hash) == (2, second)


def test_a_chain_goes_on_at_its_head() -> None:
    whole = extend_chain(EMPTY_CHAIN, [ENTRY, OTHER])
    assert extend_chain(ChainHead(1, whole[0].hash), [OTHER]) == whole[1:]


@given(st.lists(st.text(max_size=5), max_size=5), st.lists(st.text(max_size=5), max_size=5))
def test_no_two_lists_have_the_same_encoding(first: list[str], second: list[str]) -> None:
    encodable = [text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for text in first]
    other = [text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for text in second]
    assert (encode_texts(encodable) == encode_texts(other)) == (encodable == other)


def test_an_erased_entry_still_fits() -> None:
    link = extend_chain(EMPTY_CHAIN, [ENTRY])[0]
    assert find_break("audit", EMPTY_CHAIN, link, ENTRY._replace(salt=None, personal=("pseudonym",))) == ""


def test_what_was_erased_before_it_was_linked_has_nobody() -> None:
    erased = ENTRY._replace(salt=None)
    link = extend_chain(EMPTY_CHAIN, [erased])[0]
    assert link.person == NOBODY
    assert find_break("audit", EMPTY_CHAIN, link, erased) == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"fields": ("audit", "a", "u")}, "was changed, or is not the one that was linked here"),
        ({"personal": ("u-2",)}, "was changed"),
        ({"salt": b"x" * 16}, "was changed"),
        ({"salt": None, "fields": ("audit", "", "ü")}, "was changed, or is not the one that was linked here"),
    ],
)
def test_a_changed_entry_is_named(change: dict[str, object], expected: str) -> None:
    link = extend_chain(EMPTY_CHAIN, [ENTRY])[0]
    problem = find_break("audit", EMPTY_CHAIN, link, ENTRY._replace(**change))  # type: ignore[arg-type]
    assert problem == f"entry 1 of the audit log, aud_{'0' * 32}, {expected}"


def test_a_missing_entry_is_named() -> None:
    first, second = extend_chain(EMPTY_CHAIN, [ENTRY, OTHER])
    assert find_break("consent", EMPTY_CHAIN, second, OTHER) == "entry 1 of the consent log is missing: after 0 comes 2"
    assert find_break("consent", EMPTY_CHAIN, first, None) == f"entry 1 of the consent log, cev_{'0' * 32}, was removed"


def test_a_link_after_another_hash_is_named() -> None:
    second = extend_chain(EMPTY_CHAIN, [ENTRY, OTHER])[1]
    assert "was changed" in find_break("audit", ChainHead(1, b"x" * 32), second, OTHER)
