from pathlib import Path

import pytest

from app.local.kafka import Java
from app.local.warm import publish, warm
from tests.unit.app.local.children import Ear


def java(folder: Path, verdict: int) -> Java:
    """A Java whose trial of a cache ends with this code."""
    binary = folder / "java"
    binary.write_text(f"#!/bin/sh\nexit {verdict}\n")
    binary.chmod(0o700)
    return Java(binary, (), folder)


async def test_a_cache_that_exists_is_not_recorded_again(tmp_path: Path) -> None:
    ear, made = Ear(), java(tmp_path, 1)
    made.archive.write_text("recorded")
    await warm(made, ear.say)
    assert (made.archive.read_text(), ear.heard) == ("recorded", [])


@pytest.mark.parametrize(("verdict", "usable"), [(0, True), (1, False)])
def test_only_a_cache_that_java_accepts_is_put_in_place(tmp_path: Path, verdict: int, usable: bool) -> None:
    ear, made, new = Ear(), java(tmp_path, verdict), tmp_path / "new"
    new.write_text("recorded")
    publish(new, made, ear.say)
    assert (made.archive.exists(), new.exists(), len(ear.heard)) == (usable, False, 1)
