import re

import pytest
from msgspec import UNSET

from schemas.api_keys import (
    KEY_LENGTH,
    ApiKeyChange,
    ApiKeyRequest,
    build_key_id,
    build_key_text,
    compute_digest,
    find_key_problems,
    is_key_id,
    parse_key_id,
)
from schemas.permissions import Role

NOW = 1_760_000_000.0
ID = build_key_id(b"\1\2\3\4\5")
TEXT = build_key_text(ID, bytes(range(32)), is_test=False)


def test_a_key_has_the_documented_form() -> None:
    assert re.fullmatch(r"hrl_live_[a-z2-7]{8}_[0-9A-Za-z]{49}", TEXT)
    assert len(TEXT) == KEY_LENGTH
    assert is_key_id(ID)
    assert build_key_text(ID, bytes(32), is_test=True).startswith(f"hrl_test_{ID}_")


def test_all_random_bytes_are_in_the_text() -> None:
    assert build_key_text(ID, b"\xff" * 32, is_test=False)[18:61] != build_key_text(ID, b"\xff" * 31 + b"\xfe", is_test=False)[18:61]
    assert len({build_key_text(ID, bytes([byte]) + bytes(31), is_test=False) for byte in range(256)}) == 256


def test_the_id_is_read_from_a_key() -> None:
    assert parse_key_id(TEXT.encode()) == ID


@pytest.mark.parametrize(
    "text",
    ["", "hrl_", TEXT[:-1], TEXT + "x", TEXT.replace("live", "test"), TEXT[:20] + "x" + TEXT[21:], TEXT[:-1] + "\n", "x" * KEY_LENGTH],
)
def test_a_text_that_is_no_key_or_is_misspelt_has_no_id(text: str) -> None:
    assert parse_key_id(text.encode()) is None


def test_the_digest_is_of_the_whole_text() -> None:
    assert compute_digest(TEXT.encode()) != compute_digest(TEXT.replace("live", "test").encode())
    assert len(compute_digest(TEXT.encode())) == 32


@pytest.mark.parametrize(("expires_at", "text"), [(NOW, "is over"), (NOW * 1000, "milliseconds"), (3600.0, "duration")])
def test_a_key_cannot_end_in_the_past_or_never_that_we_know(expires_at: float, text: str) -> None:
    [problem] = find_key_problems(ApiKeyRequest("shop", Role.SERVICE, expires_at=expires_at), NOW)
    assert (problem.path, text in problem.text) == ("$.expires_at", True)
    [problem] = find_key_problems(ApiKeyChange(expires_at=expires_at), NOW)
    assert text in problem.text


def test_a_name_has_no_nul_and_what_is_left_out_has_no_problem() -> None:
    [problem] = find_key_problems(ApiKeyRequest("a\0b", Role.SERVICE), NOW)
    assert problem.path == "$.name"
    assert [*find_key_problems(ApiKeyChange(), NOW)] == []
    assert ApiKeyChange().expires_at is UNSET
