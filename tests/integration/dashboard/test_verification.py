"""Types, style and tests of the dashboard, and its build byte for byte, where there are Node.js and the packages of npm.

HEROLD_TEST_NODE=required makes it a failure where one of them is missing, as `.ci/run` does where there is Node.js.
"""

import os
from pathlib import Path

import pytest

from dev.dashboard.node import MIN_NODE, find_node
from dev.dashboard.verification import find_registry_problem, verify_sources


@pytest.fixture
def commands() -> Path:
    """The directory of a Node.js that can reach the registry of npm."""
    found = find_node()
    problem = find_registry_problem(found) if found else f"no Node.js {'.'.join(map(str, MIN_NODE))} or newer on the PATH"
    if problem:
        text = f"types, style, tests and build of the dashboard were not checked: {problem}"
        (pytest.fail if os.environ.get("HEROLD_TEST_NODE") == "required" else pytest.skip)(text)
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.timeout(1800)  # it takes minutes; a slow machine needs several times as long
def test_the_dashboard_is_checked_and_its_build_is_the_committed_one(commands: Path, tmp_path: Path) -> None:
    assert verify_sources(commands, tmp_path) == [], "`make dashboard` builds it anew"
