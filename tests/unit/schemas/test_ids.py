"""Ids are UUIDv7 of the time they were given, derived ones depend on nothing else, and a user's partition is librdkafka's."""

import re
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import (
    DELIVERY_PREFIX,
    NOTIFICATION_PREFIX,
    compute_partition,
    derive_delivery_id,
    derive_id,
    is_id,
    make_id,
    parse_time,
    to_uuid_hex,
    try_parse_time,
)

times = st.floats(0, (1 << 48) / 1000 - 1)
bits = st.integers(0, (1 << 74) - 1)
texts = st.text(max_size=40)


@given(times, bits, st.sampled_from([NOTIFICATION_PREFIX, DELIVERY_PREFIX]))
def test_an_id_is_a_uuid_of_version_7_with_its_time_and_bits(at: float, random: int, prefix: str) -> None:
    made = make_id(prefix, at, random)
    uuid = UUID(to_uuid_hex(made))
    assert (uuid.version, uuid.variant) == (7, RFC_4122)
    assert uuid.int >> 80 == int(at * 1000)
    assert (uuid.int >> 64 & 0xFFF) << 62 | uuid.int & (1 << 62) - 1 == random
    assert is_id(made, prefix)
    assert try_parse_time(made, prefix) == parse_time(made) == int(at * 1000) / 1000


@given(st.tuples(times, bits), st.tuples(times, bits))
def test_ids_sort_by_millisecond(one: tuple[float, int], other: tuple[float, int]) -> None:
    if int(one[0] * 1000) < int(other[0] * 1000):
        assert make_id(NOTIFICATION_PREFIX, *one) < make_id(NOTIFICATION_PREFIX, *other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ntf_",
        "ntf_0199e2a3b4c57d6e8f70112233445566\n",
        "ntf_0199e2a3b4c57d6e8f7011223344556",
        "ntf_0199e2a3b4c57d6e8f701122334455667",
        "ntf_0199E2A3B4C57D6E8F70112233445566",
        "ntf_0199e2a3b4c54d6e8f70112233445566",  # version 4
        "ntf_0199e2a3b4c57d6ecf70112233445566",  # another variant
        "ntf_0199e2a3-b4c5-7d6e-8f70-112233445566",
        "dlv_0199e2a3b4c57d6e8f70112233445566",
        "0199e2a3b4c57d6e8f70112233445566",
        "ntf_٠199e2a3b4c57d6e8f70112233445566",
    ],
)
def test_what_is_not_an_id_is_told_apart(text: str) -> None:
    assert is_id("ntf_0199e2a3b4c57d6e8f70112233445566")
    assert not is_id(text)


shape = re.compile(r"ntf_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
odd = st.sampled_from("0123456789abcdefABF _-\n\u0660g")


@given(st.from_regex(shape, fullmatch=True), st.lists(st.tuples(st.integers(0, 36), odd), max_size=2))
def test_an_id_is_what_the_pattern_says(text: str, changes: list[tuple[int, str]]) -> None:
    for place, character in changes:
        text = text[:place] + character + text[place + 1 :]
    assert is_id(text) == (shape.fullmatch(text) is not None)


@given(times, st.lists(texts, min_size=1, max_size=4))
def test_a_derived_id_is_the_same_for_the_same_parts(at: float, parts: list[str]) -> None:
    made = derive_id(NOTIFICATION_PREFIX, at, *parts)
    assert is_id(made)
    assert made == derive_id(NOTIFICATION_PREFIX, at, *parts)
    assert made != derive_id(NOTIFICATION_PREFIX, at, *parts, "more")


def test_parts_of_a_derived_id_do_not_run_together() -> None:
    assert derive_id(NOTIFICATION_PREFIX, 1.0, "topic", "1", "23") != derive_id(NOTIFICATION_PREFIX, 1.0, "topic", "12", "3")


@given(times, bits, texts, st.sampled_from(["email", "sms"]), texts)
def test_a_delivery_id_has_the_time_of_its_notification(at: float, random: int, user: str, channel: str, address: str) -> None:
    notification = make_id(NOTIFICATION_PREFIX, at, random)
    made = derive_delivery_id(notification, user, channel, address)
    assert is_id(made, DELIVERY_PREFIX)
    assert parse_time(made) == parse_time(notification)
    assert UUID(to_uuid_hex(made)).version == 7
    assert made == derive_delivery_id(notification, user, channel, address)


def test_a_delivery_id_depends_on_each_of_its_parts() -> None:
    one, other = make_id(NOTIFICATION_PREFIX, 1e9, 1), make_id(NOTIFICATION_PREFIX, 1e9, 2)
    made = {
        derive_delivery_id(one, "u", "email", "a"),
        derive_delivery_id(other, "u", "email", "a"),
        derive_delivery_id(one, "v", "email", "a"),
        derive_delivery_id(one, "u", "sms", "a"),
        derive_delivery_id(one, "u", "email", "b"),
    }
    assert len(made) == 5


def compute_crc_bitwise(content: bytes) -> int:
    """CRC-32 as its definition says (reflected polynomial 0xEDB88320), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xEDB88320 * (crc & 1)
    return crc ^ 0xFFFFFFFF


@given(texts, st.integers(1, 1000))
def test_the_partition_is_the_crc32_of_the_utf8_id(user: str, partitions: int) -> None:
    assert compute_crc_bitwise(b"123456789") == 0xCBF43926  # the check value of the CRC catalogues
    assert compute_partition(user, partitions) == compute_crc_bitwise(user.encode()) % partitions
