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
    resolve_home_dir,
)


@pytest.fixture
def state(tmp_path: Path) -> StackState:
    state = StackState(tmp_path / "deep" / "home")
    state.create()
    return state


def test_the_home_is_in_the_working_directory_unless_the_environment_names_another(tmp_path: Path) -> None:
    assert resolve_home_dir({}, tmp_path) == tmp_path / ".herold"
    assert resolve_home_dir({"HEROLD_HOME": ""}, tmp_path) == tmp_path / ".herold"
    assert resolve_home_dir({"HEROLD_HOME": "other"}, tmp_path) == tmp_path / "other"
    assert resolve_home_dir({"HEROLD_HOME": "/abs"}, tmp_path) == Path("/abs")


def test_making_a_home_makes_its_secrets_once(state: StackState) -> None:
    made = {name: state.get_secret(name) for name in ("password", "api_key", "web_token")}
    assert len(set(made.values())) == 3
    assert all(len(value) == 32 for value in made.values())
    state.create()
    assert {name: StackState(state.home).get_secret(name) for name in made} == made


def test_a_home_that_cannot_be_made_or_read_is_named_with_what_to_do(state: StackState, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(HomeDirError, match=rf"{file / 'home'} cannot be used \(Not a directory\): set HEROLD_HOME"):
        StackState(file / "home").create()
    with pytest.raises(HomeDirError, match=rf"{file} cannot be used \(Permission denied\)"):
        StackState(file).create()
    state.file.write_text('{"ports"')
    with pytest.raises(HomeDirError, match=r"state\.json is damaged .*: delete"):
        StackState(state.home).create()


def test_others_can_neither_list_the_home_nor_read_the_state(state: StackState) -> None:
    assert state.home.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    assert state.file.stat().st_mode & 0o777 == 0o600


def test_a_port_belongs_to_its_name_for_as_long_as_the_home_lives(state: StackState) -> None:
    ports = {name: state.get_port(name) for name in ("gateway", "simulators", "router-1.web")}
    assert len(set(ports.values())) == 3
    assert all(port in PORT_RANGE for port in ports.values())
    assert {name: StackState(state.home).get_port(name) for name in ports} == ports


def test_processes_that_ask_at_the_same_time_get_the_same_answers(state: StackState) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: (StackState(state.home).get_port(f"p{n % 4}"), StackState(state.home).get_secret(f"s{n % 4}")), range(40))
        )
    assert len(set(answers)) == 4
    assert len(json.loads(state.file.read_text())["ports"]) == 4


def test_a_port_on_which_somebody_listens_is_not_free() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        assert not is_port_free(other.getsockname()[1])
    assert is_port_free(pick_free_port(set()))


def test_only_taken_ports_are_replaced(state: StackState) -> None:
    kafka, gateway = state.get_port("kafka"), state.get_port("gateway")
    moved = state.replace_taken_ports(is_free=lambda port: port != kafka)
    assert moved == {"kafka": (kafka, state.get_port("kafka"))}
    assert state.get_port("kafka") not in (kafka, gateway)
    assert state.get_port("gateway") == gateway


def test_nothing_is_replaced_while_all_ports_are_free(state: StackState) -> None:
    state.get_port("kafka")
    before = state.file.read_text()
    assert state.replace_taken_ports(is_free=lambda port: True) == {}
    assert state.file.read_text() == before


def test_a_port_is_never_given_twice() -> None:
    taken = set(PORT_RANGE[: len(PORT_RANGE) // 2])
    assert not taken & {pick_free_port(taken, is_free=lambda port: True) for _ in range(50)}


def test_without_a_free_port_the_search_ends() -> None:
    with pytest.raises(NoFreePortError, match="no free port between 20000 and 32000"):
        pick_free_port(set(), is_free=lambda port: False)
