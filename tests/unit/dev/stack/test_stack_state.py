import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dev.stack.stack_state import (
    LOOPBACK,
    PORT_RANGE,
    HomeDirError,
    NoFreePortError,
    StackState,
    is_port_free,
    pick_free_port,
)


@pytest.fixture
def state(tmp_path: Path) -> StackState:
    state = StackState(tmp_path / "deep" / "home")
    state.create()
    return state


def test_creating_a_home_creates_its_secrets_once(state: StackState) -> None:
    secrets = {name: state.get_secret(name) for name in ("password", "api_key", "web_token")}
    assert len(set(secrets.values())) == 3
    assert all(len(value) == 32 for value in secrets.values())
    state.create()
    assert {name: StackState(state.home).get_secret(name) for name in secrets} == secrets


def test_an_unusable_home_is_named_with_advice(state: StackState, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(HomeDirError, match=rf"{file / 'home'} cannot be used \(Not a directory\): set HEROLD_HOME"):
        StackState(file / "home").create()
    with pytest.raises(HomeDirError, match=rf"{file} cannot be used \(File exists\)"):
        StackState(file).create()
    state.file.write_text('{"ports"')
    with pytest.raises(HomeDirError, match=r"state\.json is damaged .*: delete"):
        StackState(state.home).create()


def test_other_users_can_neither_list_the_home_nor_read_the_state(state: StackState) -> None:
    assert state.home.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    assert state.file.stat().st_mode & 0o777 == 0o600


def test_a_name_keeps_its_port(state: StackState) -> None:
    ports = {name: state.get_port(name) for name in ("gateway", "simulators", "router-1.web")}
    assert len(set(ports.values())) == 3
    assert all(port in PORT_RANGE for port in ports.values())
    assert {name: StackState(state.home).get_port(name) for name in ports} == ports


def test_concurrent_calls_get_the_same_values(state: StackState) -> None:
    with ThreadPoolExecutor(8) as pool:
        values = list(
            pool.map(lambda n: (StackState(state.home).get_port(f"p{n % 4}"), StackState(state.home).get_secret(f"s{n % 4}")), range(40))
        )
    assert len(set(values)) == 4
    assert len(json.loads(state.file.read_text())["ports"]) == 4


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        assert not is_port_free(other.getsockname()[1])
    assert is_port_free(pick_free_port(set()))


def test_only_taken_ports_are_replaced(state: StackState) -> None:
    kafka, gateway = state.get_port("kafka"), state.get_port("gateway")
    replaced = state.replace_taken_ports(is_free=lambda port: port != kafka)
    assert replaced == {"kafka": (kafka, state.get_port("kafka"))}
    assert state.get_port("kafka") not in (kafka, gateway)
    assert state.get_port("gateway") == gateway


def test_free_ports_are_not_replaced(state: StackState) -> None:
    state.get_port("kafka")
    before = state.file.read_text()
    assert state.replace_taken_ports(is_free=lambda port: True) == {}
    assert state.file.read_text() == before


def test_a_picked_port_is_not_one_of_the_taken_ports() -> None:
    taken = set(PORT_RANGE[: len(PORT_RANGE) // 2])
    assert not taken & {pick_free_port(taken, is_free=lambda port: True) for _ in range(50)}


def test_a_port_that_is_claimed_is_not_picked() -> None:
    assert pick_free_port(set(), is_free=lambda port: True, claim=lambda port: port % 10 == 7) % 10 == 7


def test_without_a_free_port_the_search_ends() -> None:
    with pytest.raises(NoFreePortError, match="no free port between 20000 and 32000"):
        pick_free_port(set(), is_free=lambda port: False)
