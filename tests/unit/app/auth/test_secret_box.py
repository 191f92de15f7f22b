"""What is derived from auth.secret."""

import os

import pytest

from app.auth.secret_box import SealedSecretError, SecretBox

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_secret_is_opened_for_its_account_only() -> None:
    box = SecretBox([NEW])
    sealed = box.seal(b"plain text", "acc_1", os.urandom)
    assert box.open(sealed, "acc_1") == b"plain text"
    assert b"plain text" not in sealed
    with pytest.raises(SealedSecretError):
        box.open(sealed, "acc_2")


def test_a_former_secret_opens_what_it_sealed_and_a_foreign_one_does_not() -> None:
    sealed = SecretBox([OLD]).seal(b"plain text", "acc_1", os.urandom)
    assert SecretBox([NEW, OLD]).open(sealed, "acc_1") == b"plain text"
    with pytest.raises(SealedSecretError):
        SecretBox([NEW]).open(sealed, "acc_1")


@pytest.mark.parametrize(
    "damage", [lambda sealed: b"", lambda sealed: b"\2" + sealed[1:], lambda sealed: sealed[:-1], lambda sealed: sealed[:9]]
)
def test_a_damaged_secret_is_an_error_that_does_not_show_it(damage: object) -> None:
    box = SecretBox([NEW])
    with pytest.raises(SealedSecretError) as error:
        box.open(damage(box.seal(b"plain text", "acc_1", os.urandom)), "acc_1")  # type: ignore[operator]
    assert "plain" not in str(error.value)


def test_a_hash_of_one_use_is_none_of_another() -> None:
    box = SecretBox([NEW, OLD])
    assert box.compute_hash("recovery code", b"x") != box.compute_hash("device cookie", b"x")
    assert box.compute_hashes("recovery code", b"x") == [
        box.compute_hash("recovery code", b"x"),
        SecretBox([OLD]).compute_hash("recovery code", b"x"),
    ]


def test_without_a_secret_there_is_no_box() -> None:
    with pytest.raises(ValueError, match="needed"):
        SecretBox([])
