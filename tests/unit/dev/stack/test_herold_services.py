"""The services of `herold up`: simulators, gateway and every role, with the settings of the home, and forkable."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from agents.providers.http import AddressPolicy
from app.link_tokens import build_link_tokens
from app.settings import load_settings
from app.topology import ROLES
from dev.simulators.service_account import ensure_service_account
from dev.stack.herold_services import (
    DEFERRED_MODULES,
    PRELOADED_MODULES,
    PUBLIC_KEY_VARIABLE,
    PYTHON,
    SERVICE_ACCOUNT_VARIABLE,
    SIGNING_KEY_FILE,
    WORKER_STOP_TIMEOUT,
    build_environment,
    build_start_stages,
)
from dev.stack.signing_key import ensure_signing_key
from dev.stack.stack import ServerUrls
from dev.stack.stack_state import StackState
from tests.settings_builders import DEFAULT_SETTINGS

URLS = ServerUrls("k:9092", "postgresql://db/x", "redis://r")


def test_every_role_the_gateway_and_the_simulators_are_forkable_modules(tmp_path: Path) -> None:
    state = StackState(tmp_path / "home")
    state.create()
    first_stage, second_stage = build_start_stages(state, build_environment(state, URLS, {}))
    services = {service.name: service for service in (*first_stage, *second_stage)}
    assert set(services) == {"simulators", "gateway", *ROLES}
    assert [service.name for service in first_stage] == ["simulators"], "the simulators must stop after the workers"
    for service in services.values():
        assert service.forkable
        assert service.argv[:2] == (PYTHON, "-m") == (sys.executable, "-m")
        assert find_spec(service.argv[2]) is not None
    assert services["router"].argv[3:] == ("--quiet", "-A", "app.main:router", "worker", "-l", "info")


def test_a_worker_is_killed_only_after_it_should_have_exited_by_itself() -> None:
    assert DEFAULT_SETTINGS.worker.drain_timeout + DEFAULT_SETTINGS.worker.shutdown_timeout < WORKER_STOP_TIMEOUT


def test_each_worker_has_its_own_port_and_variables_of_the_environment_are_kept(tmp_path: Path) -> None:
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


def test_webhooks_of_the_stack_reach_the_simulators_and_no_other_local_address(tmp_path: Path) -> None:
    state = StackState(tmp_path / "home")
    state.create()
    policy = AddressPolicy(build_environment(state, URLS, {})["HEROLD_PROVIDERS_WEBHOOK_ALLOW"])
    assert policy.allows("127.0.0.1", "127.0.0.1")
    assert not policy.allows("10.0.0.1", "10.0.0.1")


def test_links_lead_to_the_gateway_and_are_signed_with_a_secret_of_the_home(tmp_path: Path) -> None:
    state = StackState(tmp_path / "home")
    state.create()
    settings = [load_settings(build_environment(state, URLS, {})).links for _ in range(2)]
    assert settings[0].base_url == f"http://127.0.0.1:{state.get_port('gateway')}"
    assert settings[0] == settings[1], "a link in an old message still works"
    assert build_link_tokens(settings[0]) is not None


def test_the_service_account_is_generated_once_for_the_simulators_token_url_and_private(tmp_path: Path) -> None:
    state = StackState(tmp_path / "home")
    state.create()
    files = [Path(build_environment(state, URLS, {})[SERVICE_ACCOUNT_VARIABLE]) for _ in range(2)]
    account = json.loads(files[0].read_text())
    assert account["token_uri"] == f"http://127.0.0.1:{state.get_port('simulators')}/token"
    assert files[0].stat().st_mode & 0o777 == 0o600
    assert files[1].read_text() == files[0].read_text()
    ensure_service_account(files[0], "http://127.0.0.1:1/token")
    assert json.loads(files[0].read_text())["private_key"] != account["private_key"]


def test_the_gateway_can_verify_what_the_simulators_sign(tmp_path: Path) -> None:
    state = StackState(tmp_path / "home")
    state.create()
    settings = build_environment(state, URLS, {})
    assert settings[PUBLIC_KEY_VARIABLE] == ensure_signing_key(state.home / SIGNING_KEY_FILE)
    assert settings["HEROLD_PROVIDERS_TWILIO_AUTH_TOKEN"] == state.get_secret("twilio_auth_token")
    assert settings["HEROLD_PROVIDERS_TWILIO_CALLBACK_BASE_URL"] == f"http://127.0.0.1:{state.get_port('gateway')}"
    sendgrid, twilio = (load_settings(settings).providers[name] for name in ("sendgrid", "twilio"))
    assert sendgrid["webhook_public_key"] == settings[PUBLIC_KEY_VARIABLE]
    assert twilio["auth_token"] == settings["HEROLD_PROVIDERS_TWILIO_AUTH_TOKEN"]


def test_the_preloaded_and_deferred_modules_exist() -> None:
    assert all(find_spec(module) for module in (*PRELOADED_MODULES, *DEFERRED_MODULES))
