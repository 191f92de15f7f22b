"""The file with the last known policy: written whole or not at all, and never believed when it is damaged."""

import os
from pathlib import Path

import pytest

from schemas.policy import Policy
from tables.policy_file import PolicyFile, SavedPolicy, decode_policy, encode_policy
from tables.postgres.seed import load_seed_policy

AT = 1_760_000_000.25
POLICY = load_seed_policy()
CONTENT = encode_policy(POLICY)


@pytest.fixture
def file(tmp_path: Path) -> PolicyFile:
    """A file that does not exist, in a directory that does not exist."""
    return PolicyFile(tmp_path / "data" / "policy.json")


def test_a_saved_policy_is_loaded_with_the_time_of_its_confirmation(file: PolicyFile) -> None:
    assert file.load() is None
    file.save(POLICY, AT)
    assert file.load() == SavedPolicy(POLICY, AT)
    file.confirm(POLICY, AT + 5)
    assert file.load() == SavedPolicy(POLICY, AT + 5)


def test_a_lost_file_is_saved_again_at_the_next_confirmation(file: PolicyFile) -> None:
    file.confirm(POLICY, AT)
    assert file.load() == SavedPolicy(POLICY, AT)


def test_the_file_is_private_and_nothing_else_is_left(file: PolicyFile) -> None:
    for _ in range(2):
        file.save(POLICY, AT)
    assert os.listdir(file.path.parent) == ["policy.json"]
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_keeps_the_old_file(file: PolicyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.save(POLICY, AT)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        file.save(Policy({}, (), (), 99), AT + 5)
    assert file.load() == SavedPolicy(POLICY, AT)
    assert os.listdir(file.path.parent) == ["policy.json"]


@pytest.mark.parametrize("size", range(0, len(CONTENT) - 1, 997))
def test_a_truncated_file_is_not_believed(size: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        decode_policy(CONTENT[:size])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (CONTENT.replace(b'"high"', b'"low"', 1), "its checksum does not match"),
        (CONTENT.replace(b'"format":1', b'"format":2'), "format 2, this release reads format 1"),
        (CONTENT.replace(b'"format":1', b'"format":"1"'), "is not the JSON of a saved policy"),
        (encode_policy(Policy({}, (), ("sms",))), "of another release"),  # type: ignore[arg-type]
        (b"\xff\xfe", "is not the JSON of a saved policy"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(file: PolicyFile, content: bytes, problem: str) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    with pytest.raises(ValueError, match=problem):
        file.load()
