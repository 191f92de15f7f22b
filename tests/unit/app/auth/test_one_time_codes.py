"""Codes of authenticator apps and recovery codes."""

import os

import pytest

from app.auth.one_time_codes import (
    RECOVERY_CODES,
    STEP_SECONDS,
    build_totp_uri,
    find_totp_step,
    format_totp_secret,
    make_recovery_codes,
    make_totp_secret,
    normalize_recovery_code,
)

RFC_SECRET = b"12345678901234567890"  # RFC 6238, appendix B; its codes have 8 digits, of which the last 6 are those of 6 digits


@pytest.mark.parametrize(("now", "code"), [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")])
def test_the_codes_are_those_of_the_rfc(now: int, code: str) -> None:
    assert find_totp_step(RFC_SECRET, code, now, 0) == now // STEP_SECONDS


def test_a_code_is_valid_for_a_step_before_and_after() -> None:
    now = 1_234_567_890
    step = now // STEP_SECONDS
    assert [find_totp_step(RFC_SECRET, "005924", now + offset * STEP_SECONDS, 0) for offset in (-2, -1, 0, 1, 2)] == [
        None,
        step,
        step,
        step,
        None,
    ]


def test_a_code_that_was_used_and_those_before_it_are_not_valid() -> None:
    now = 1_234_567_890
    step = now // STEP_SECONDS
    assert find_totp_step(RFC_SECRET, "005924", now, step - 1) == step
    assert find_totp_step(RFC_SECRET, "005924", now, step) is None
    assert find_totp_step(RFC_SECRET, "005924", now, step + 1) is None


@pytest.mark.parametrize("code", ["", "5924", "0059245", "00592x", "٠٠٥٩٢٤", "005924\0", "-05924"])
def test_another_text_is_no_code(code: str) -> None:
    assert find_totp_step(RFC_SECRET, code, 1_234_567_890, 0) is None


def test_groups_of_digits_are_read() -> None:
    assert find_totp_step(RFC_SECRET, " 005 924 ", 1_234_567_890, 0) is not None


def test_the_uri_has_the_secret_and_the_names() -> None:
    secret = make_totp_secret(os.urandom)
    uri = build_totp_uri(secret, "ada@example.org", "Herold")
    assert uri.startswith("otpauth://totp/Herold:ada%40example.org?")
    assert f"secret={format_totp_secret(secret)}" in uri


def test_recovery_codes_are_random_and_read_however_they_are_typed() -> None:
    codes = make_recovery_codes(os.urandom)
    assert len(set(codes)) == RECOVERY_CODES
    assert {normalize_recovery_code(code.upper().replace("-", " ")) for code in codes} == {code.replace("-", "") for code in codes}
    assert normalize_recovery_code("abcd-efgh-ijkl") is None
    assert normalize_recovery_code("123456") is None
