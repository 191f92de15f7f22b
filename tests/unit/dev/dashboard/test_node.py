"""Node.js for the build: the one on the PATH, if it can build."""

from pathlib import Path

import pytest

from dev.dashboard.node import find_node, is_new_enough


@pytest.mark.parametrize(
    ("version", "expected"), [("v20.19.0\n", True), ("v24.1.0", True), ("v20.18.9", False), ("v18.20.0", False), ("", False)]
)
def test_an_old_one_cannot_build(version: str, expected: bool) -> None:
    assert is_new_enough(version) is expected


@pytest.mark.parametrize(("version", "has_npm", "is_found"), [("v22.1.0", True, True), ("v22.1.0", False, False), ("v16.0.0", True, False)])
def test_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, has_npm: bool, is_found: bool) -> None:
    for name in ("node", "npm") if has_npm else ("node",):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_node() == (tmp_path if is_found else None)


def test_there_may_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_node() is None
