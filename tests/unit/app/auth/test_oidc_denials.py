"""What the provider's answer means."""

import pytest

from app.auth.oidc_denials import KNOWN_ERRORS, NOT_ALLOWED, PROVIDER_DOWN, read_provider_error


def test_a_person_who_cancels_is_no_fault_of_the_settings() -> None:
    assert read_provider_error("access_denied") == NOT_ALLOWED


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_a_provider_with_a_fault_is_asked_later(error: str) -> None:
    assert read_provider_error(error) == PROVIDER_DOWN


@pytest.mark.parametrize("error", sorted(KNOWN_ERRORS))
def test_a_known_error_is_named(error: str) -> None:
    denied = read_provider_error(error)
    assert (denied.kind, denied.code) == ("login-failed", "provider_rejects")
    assert f"({error})" in denied.detail


@pytest.mark.parametrize("error", ["call 0800 1234", "ACCESS_DENIED", "<b>", "invalid_request "])
def test_any_other_text_is_not_repeated(error: str) -> None:
    denied = read_provider_error(error)
    assert denied.code == "provider_rejects"
    assert "(" not in denied.detail
