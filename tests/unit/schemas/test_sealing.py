"""Sealed bytes open only with their key, in their place, and unchanged."""

import os

import pytest

from schemas.errors import ErasedError, SealError, UnknownDataKeyError
from schemas.sealing import KEY_BYTES, NONCE_BYTES, OuterKeys, RandomBuffer
from tests.sealers import build_outer_keys, build_sealer

PLAIN = b'{"address":"ada@example.org"}'


def test_what_is_sealed_opens_in_its_place_and_is_not_in_the_bytes() -> None:
    sealer = build_sealer()
    sealed = sealer.seal("delivery", "dlv_1", PLAIN)
    assert sealer.open("delivery", "dlv_1", sealed) == PLAIN
    assert b"ada" not in sealed
    assert sealed != sealer.seal("delivery", "dlv_1", PLAIN)  # another nonce


def test_bytes_that_were_moved_to_another_record_user_or_kind_do_not_open() -> None:
    key = os.urandom(KEY_BYTES)
    sealed = build_sealer("u-1", key).seal("delivery", "dlv_1", PLAIN)
    for user_id, kind, item_id in (("u-1", "delivery", "dlv_2"), ("u-1", "notification", "dlv_1"), ("u-2", "delivery", "dlv_1")):
        with pytest.raises(SealError, match="belong to another place"):
            build_sealer(user_id, key).open(kind, item_id, sealed)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 1, 2, 8, 9, 10, 22, 23, 40])
def test_cut_bytes_do_not_open(length: int) -> None:
    sealer = build_sealer()
    with pytest.raises(SealError):
        sealer.open("delivery", "dlv_1", sealer.seal("delivery", "dlv_1", PLAIN)[:length])


def test_no_changed_byte_opens() -> None:
    sealer = build_sealer()
    sealed = sealer.seal("delivery", "dlv_1", PLAIN)
    outer_key_id = range(2, 2 + sealed[1])  # says who wrapped the key at that time, and is not authenticated
    for index in set(range(len(sealed))) - set(outer_key_id):
        changed = sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :]
        with pytest.raises(SealError):
            sealer.open("delivery", "dlv_1", changed)


def test_the_last_key_seals_and_the_ones_before_open() -> None:
    first, second = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
    old = build_sealer("u-42", first).seal("record", "", PLAIN)
    both = build_sealer("u-42", first, second)
    assert both.open("record", "", old) == PLAIN
    with pytest.raises(UnknownDataKeyError, match="no data key 2"):
        build_sealer("u-42", first).open("record", "", both.seal("record", "", PLAIN))


def test_a_destroyed_key_opens_and_seals_nothing_and_a_new_one_does() -> None:
    key = os.urandom(KEY_BYTES)
    sealed = build_sealer("u-42", key).seal("record", "", PLAIN)
    erased = build_sealer("u-42", None)
    assert not erased.can_seal
    with pytest.raises(ErasedError):
        erased.open("record", "", sealed)
    with pytest.raises(ErasedError):
        erased.seal("record", "", PLAIN)
    back = build_sealer("u-42", None, os.urandom(KEY_BYTES))
    assert back.open("record", "", back.seal("record", "", PLAIN)) == PLAIN
    with pytest.raises(ErasedError):
        back.open("record", "", sealed)


def test_a_data_key_is_wrapped_for_its_user_and_version() -> None:
    outer = build_outer_keys("new", "old")
    data_key = outer.make_data_key()
    wrapped = outer.wrap("u-1", 1, data_key)
    assert outer.unwrap("new", "u-1", 1, wrapped) == data_key
    assert data_key not in wrapped
    for key_id, user_id, version in (("old", "u-1", 1), ("new", "u-2", 1), ("new", "u-1", 2)):
        with pytest.raises(SealError, match="was not wrapped"):
            outer.unwrap(key_id, user_id, version, wrapped)
    with pytest.raises(KeyError):
        outer.unwrap("unknown", "u-1", 1, wrapped)


def test_the_first_outer_key_wraps_and_the_others_unwrap() -> None:
    keys = {"new": os.urandom(KEY_BYTES), "old": os.urandom(KEY_BYTES)}
    wrapped = OuterKeys({"old": keys["old"]}, os.urandom).wrap("u-1", 1, b"k" * KEY_BYTES)
    rotated = OuterKeys(keys, os.urandom)
    assert rotated.current_id == "new"
    assert rotated.unwrap("old", "u-1", 1, wrapped) == b"k" * KEY_BYTES


def test_the_buffer_of_random_bytes_gives_no_byte_twice() -> None:
    calls: list[int] = []

    def read(count: int) -> bytes:
        calls.append(count)
        return bytes(range(len(calls) * 100 - 100, len(calls) * 100))

    read_random = RandomBuffer(read, size=100)
    taken = [read_random(NONCE_BYTES) for _ in range(9)]
    assert len(calls) == 2
    joined = b"".join(taken)
    assert len(set(joined)) == len(joined)
