from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main

HeroldRunner = Callable[..., Result]


@pytest.fixture
def herold(tmp_path: Path) -> HeroldRunner:
    """Runs `herold` in an empty home; the servers are those given as variables."""

    def run(*words: str, **env: str) -> Result:
        return CliRunner().invoke(main, words, env={"HEROLD_HOME": str(tmp_path / "home"), "HEROLD_KAFKA_TOPIC_PARTITIONS": "2", **env})

    return run
