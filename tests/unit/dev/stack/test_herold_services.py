"""What `herold up` runs: every role, gateway and simulators, with the settings of the home, and fit for the nursery."""

import sys
from importlib.util import find_spec
from pathlib import Path

from app.topology import ROLES
from dev.stack.herold_services import DEFERRED_MODULES, PRELOADED_MODULES, PYTHON, build_environment, build_start_stages
from dev.stack.stack import ServerUrls
from dev.stack.stack_state import StackState

URLS = ServerUrls("k:9092", "postgresql://db/x", "redis://r")


def test_every_role_the_gateway_and_the_simulators_run_as_modules_that_a_nursery_can_fork(tmp_path: Path) -> None:
    state = StackState(tmp_path / "home")
    state.create()
    first, then = build_start_stages(state, build_environment(state, URLS, {}))
    made = {service.name: service for service in (*first, *then)}
    assert set(made) == {"simulators", "gateway", *ROLES}
    assert [service.name for service in first] == ["simulators"], "the last stage ends first: workers must not find their providers gone"
    for service in made.values():
        assert service.forkable
        assert service.argv[:2] == (PYTHON, "-m") == (sys.executable, "-m")
        assert find_spec(service.argv[2]) is not None
    assert made["router"].argv[3:] == ("--quiet", "-A", "app.main:router", "worker", "-l", "info")


def test_each_worker_has_a_port_of_its_own_and_what_the_environment_says_stays(tmp_path: Path) -> None:
    state = StackState(tmp_path / "home")
    state.create()
    settings = build_environment(state, URLS, {"HEROLD_GATEWAY_API_KEY": "given", "DATABASE_URL": "postgresql://other/y", "PATH": "/bin"})
    assert (settings["HEROLD_GATEWAY_API_KEY"], settings["DATABASE_URL"]) == ("given", "postgresql://other/y")
    assert settings["KAFKA_BOOTSTRAP_SERVERS"] == "k:9092"
    assert "PATH" not in settings
    ports = {
        service.env["HEROLD_WORKER_WEB_PORT"] for stage in build_start_stages(state, settings) for service in stage if service.name in ROLES
    }
    assert len(ports) == len(ROLES)


def test_what_is_imported_ahead_is_there() -> None:
    assert all(find_spec(module) for module in (*PRELOADED_MODULES, *DEFERRED_MODULES))
