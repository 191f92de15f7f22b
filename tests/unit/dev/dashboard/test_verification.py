"""What differs between two builds, and a registry that does not answer."""

from pathlib import Path

from dev.dashboard.verification import copy_sources, find_registry_problem, list_differences


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_file_that_is_other_or_in_one_build_only_is_named(tmp_path: Path) -> None:
    for name, texts in {
        "a.js": ("x", "x"),
        "assets/b.js": ("x", "y"),
        "c.js": ("x", ""),
        "d.js": ("", "x"),
        "BUILD.json": ("", "x"),
    }.items():
        for directory, text in zip(("built", "committed"), texts, strict=True):
            if text:
                write(tmp_path / directory / name, text)
    assert sorted(list_differences(tmp_path / "built", tmp_path / "committed")) == ["assets/b.js", "c.js", "d.js"]


def test_a_registry_that_cannot_be_reached_is_a_problem_in_words(tmp_path: Path) -> None:
    for code, expected in ((0, ""), (1, "the registry of npm cannot be reached")):
        npm = tmp_path / "npm"
        npm.write_text(f"#!/bin/sh\nexit {code}\n")
        npm.chmod(0o755)
        assert find_registry_problem(tmp_path) == expected


def test_a_copy_has_the_sources_and_no_packages(tmp_path: Path) -> None:
    dashboard = copy_sources(tmp_path)
    assert (dashboard / "package-lock.json").is_file()
    assert (tmp_path / "clients/typescript/src/index.ts").is_file()
    assert not (dashboard / "node_modules").exists()
