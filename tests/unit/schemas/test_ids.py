"""Ids are UUIDv7 of the given time, derived ids depend on their parts only, and a user's partition is librdkafka's."""

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
    to_uuid_hex,
    try_parse_time,
)

times = st.floats(0, (1 << 48) / 1000 - 1)
bits = st.integers(0, (1 << 74) - 1)
texts = st.text(max_size=40)


@given(times, bits, st.sampled_from([NOTIFICATION_PREFIX, DELIVERY_PREFIX]))
def test_an_id_is_a_uuid_of_version_7_with_its_time_and_bits(at: float, random: int, prefix: str) -> None:
    prefixed_id = make_id(prefix, at, random)
    uuid = UUID(to_uuid_hex(prefixed_id))
    assert (uuid.version, uuid.variant) == (7, RFC_4122)
    assert uuid.int >> 80 == int(at * 1000)
    assert (uuid.int >> 64 & 0xFFF) << 62 | uuid.int & (1 << 62) - 1 == random
    assert is_id(prefixed_id, prefix)
    assert try_parse_time(prefixed_id, prefix) == int(at * 1000) / 1000


@given(st.tuples(times, bits), st.tuples(times, bits))
def test_ids_sort_by_millisecond(first: tuple[float, int], second: tuple[float, int]) -> None:
    if int(first[0] * 1000) < int(second[0] * 1000):
        assert make_id(NOTIFICATION_PREFIX, *first) < make_id(NOTIFICATION_PREFIX, *second)


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
def test_an_invalid_id_is_recognized(text: str) -> None:
    assert is_id("ntf_0199e2a3b4c57d6e8f70112233445566")
    assert not is_id(text)


ID_PATTERN = re.compile(r"ntf_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
unusual_characters = st.sampled_from("0123456789abcdefABF _-\n\u0660g")


@given(st.from_regex(ID_PATTERN, fullmatch=True), st.lists(st.tuples(st.integers(0, 36), unusual_characters), max_size=2))
def test_an_id_is_valid_if_it_matches_the_pattern(text: str, changes: list[tuple[int, str]]) -> None:
    for position, character in changes:
        text = text[:position] + character + text[position + 1 :]
    assert is_id(text) == (ID_PATTERN.fullmatch(text) is not None)


@given(times, st.lists(texts, min_size=1, max_size=4))
def test_a_derived_id_is_the_same_for_the_same_parts(at: float, parts: list[str]) -> None:
    prefixed_id = derive_id(NOTIFICATION_PREFIX, at, *parts)
    assert is_id(prefixed_id)
    assert prefixed_id == derive_id(NOTIFICATION_PREFIX, at, *parts)
    assert prefixed_id != derive_id(NOTIFICATION_PREFIX, at, *parts, "more")


def test_parts_of_a_derived_id_are_separated() -> None:
    assert derive_id(NOTIFICATION_PREFIX, 1.0, "topic", "1", "23") != derive_id(NOTIFICATION_PREFIX, 1.0, "topic", "12", "3")


@given(times, bits, texts, st.sampled_from(["email", "sms"]), texts)
def test_a_delivery_id_has_the_time_of_its_notification(at: float, random: int, user: str, channel: str, address: str) -> None:
    notification = make_id(NOTIFICATION_PREFIX, at, random)
    prefixed_id = derive_delivery_id(notification, user, channel, address)
    assert is_id(prefixed_id, DELIVERY_PREFIX)
    assert try_parse_time(prefixed_id, DELIVERY_PREFIX) == try_parse_time(notification)
    assert UUID(to_uuid_hex(prefixed_id)).version == 7
    assert prefixed_id == derive_delivery_id(notification, user, channel, address)


def test_a_delivery_id_depends_on_each_of_its_parts() -> None:
    first, second = make_id(NOTIFICATION_PREFIX, 1e9, 1), make_id(NOTIFICATION_PREFIX, 1e9, 2)
    delivery_ids = {
        derive_delivery_id(first, "u", "email", "a"),
        derive_delivery_id(second, "u", "email", "a"),
        derive_delivery_id(first, "v", "email", "a"),
        derive_delivery_id(first, "u", "sms", "a"),
        derive_delivery_id(first, "u", "email", "b"),
    }
    assert len(delivery_ids) == 5


def compute_crc_bitwise(content: bytes) -> int:
    """CRC-32 by its definition (reflected polynomial 0xEDB88320), bit by bit."""
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
