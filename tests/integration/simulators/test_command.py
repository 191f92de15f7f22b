"""`herold simulators` against a real simulator process."""

import json
from pathlib import Path
from typing import Any

from tests.herold_runner import build_herold_runner
from tests.integration.simulators.simulator_process import SimulatorProcess


def test_requests_are_counted_and_searched(tmp_path: Path) -> None:
    herold = build_herold_runner(HEROLD_HOME=str(tmp_path / "home"))
    simulators = SimulatorProcess(tmp_path / "requests.jsonl")

    def run_json(*args: str) -> Any:
        result = herold("simulators", "--url", simulators.origin, "--json", *args)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    try:
        assert run_json()["requests"] == 0
        assert "requests" in herold("simulators", "--url", simulators.origin).stdout
        assert run_json("--address", "a@example.org") == []
        assert "no matching request" in herold("simulators", "--url", simulators.origin, "--delivery", "dlv_1").stdout
    finally:
        simulators.stop()
