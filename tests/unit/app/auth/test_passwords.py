"""What may be a password, and its hashes."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from app.auth.passwords import THREADS, PasswordHashes, TooManyLoginsError, build_dummy_hash, find_password_problems

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def list_problems(password: str) -> list[str]:
    return [*find_password_problems(password, "ada.lovelace@example.org", "Ada Lovelace", 12)]


@pytest.mark.parametrize("password", ["correct horse", "a-b-c-d-e-f-1", "ünïcödé pass", "Ada Lovelace wrote it", "x" * 5 + "yzuvw" * 50])
def test_long_passwords_are_accepted(password: str) -> None:
    assert list_problems(password) == []


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("short pass1", "12 to 256"),
        ("abcde" * 52, "12 to 256"),
        ("aaaaaaaaaaaa", "different"),
        ("abababababab", "different"),
        ("ada.lovelace1", "name or the e-mail"),
        ("Ada Lovelace!", "name or the e-mail"),
        ("ADA.LOVELACE@EXAMPLE.ORG1", "name or the e-mail"),
    ],
)
def test_weak_passwords_are_not_and_are_not_repeated(password: str, problem: str) -> None:
    (text,) = list_problems(password)
    assert problem in text
    assert password not in text


async def test_a_hash_is_of_argon2id_and_of_its_password_only() -> None:
    hashes = PasswordHashes(10, FAST)
    password_hash = await hashes.compute("correct horse battery")
    assert password_hash.startswith("$argon2id$")
    assert await hashes.verify(password_hash, "correct horse battery")
    assert not await hashes.verify(password_hash, "correct horse batterz")
    hashes.close()


async def test_composed_and_decomposed_characters_are_the_same() -> None:
    hashes = PasswordHashes(10, FAST)
    assert await hashes.verify(await hashes.compute("gr\u00fc\u00dfe an alle"), "gru\u0308\u00dfe an alle")
    hashes.close()


async def test_an_account_without_a_password_costs_a_hash_and_never_matches() -> None:
    hashes = PasswordHashes(10, FAST)
    assert not await hashes.verify("", "")
    assert not await hashes.verify("", "correct horse battery")
    assert not await hashes.verify("damaged", "correct horse battery")
    assert hashes.computed == 3
    hashes.close()


def test_the_dummy_hash_has_the_parameters_of_new_hashes() -> None:
    assert not FAST.check_needs_rehash(build_dummy_hash(FAST))
    default = PasswordHasher()
    assert not default.check_needs_rehash(build_dummy_hash(default))


async def test_a_hash_with_other_parameters_is_to_be_renewed() -> None:
    hashes = PasswordHashes(10, FAST)
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("correct horse battery")
    assert hashes.needs_rehash(old)
    assert not hashes.needs_rehash(await hashes.compute("correct horse battery"))
    hashes.close()


class BlockedHasher(PasswordHasher):
    """Waits until it is told to go on."""

    go_on: threading.Event

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        assert self.go_on.wait(60)
        return "hash"


async def test_no_more_wait_than_may() -> None:
    BlockedHasher.go_on = threading.Event()
    hashes = PasswordHashes(1, BlockedHasher(time_cost=1, memory_cost=8, parallelism=1))
    running = [asyncio.create_task(hashes.compute("x")) for _ in range(THREADS + 1)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyLoginsError):
        await hashes.compute("x")
    BlockedHasher.go_on.set()
    assert await asyncio.gather(*running) == ["hash"] * (THREADS + 1)
    assert await hashes.compute("x") == "hash"
    hashes.close()
