import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.local.state import LOOPBACK, PORTS, HomeUnusable, NoPort, State, home_folder, is_free, pick_port


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "deep" / "home")
    state.make()
    return state


def test_the_home_is_in_the_working_directory_unless_the_environment_names_another(tmp_path: Path) -> None:
    assert home_folder({}, tmp_path) == tmp_path / ".herold"
    assert home_folder({"HEROLD_HOME": ""}, tmp_path) == tmp_path / ".herold"
    assert home_folder({"HEROLD_HOME": "other"}, tmp_path) == tmp_path / "other"
    assert home_folder({"HEROLD_HOME": "/abs"}, tmp_path) == Path("/abs")


def test_making_a_home_makes_its_secrets_once(state: State) -> None:
    made = {name: state.secret(name) for name in ("password", "api_key", "tables_token")}
    assert len(set(made.values())) == 3
    assert all(len(value) == 32 for value in made.values())
    state.make()
    assert {name: State(state.home).secret(name) for name in made} == made


def test_a_home_that_cannot_be_made_or_read_is_named_with_what_to_do(state: State, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(HomeUnusable, match=rf"{file / 'home'} cannot be used \(Not a directory\): set HEROLD_HOME"):
        State(file / "home").make()
    with pytest.raises(HomeUnusable, match=rf"{file} cannot be used \(Permission denied\)"):
        State(file).make()
    state.file.write_text('{"ports"')
    with pytest.raises(HomeUnusable, match=r"state\.json is damaged .*: delete"):
        State(state.home).make()


def test_others_can_neither_list_the_home_nor_read_the_state(state: State) -> None:
    assert state.home.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    assert state.file.stat().st_mode & 0o777 == 0o600


def test_a_port_belongs_to_its_name_for_as_long_as_the_home_lives(state: State) -> None:
    ports = {name: state.port(name) for name in ("gateway", "twins", "router-1.web")}
    assert len(set(ports.values())) == 3
    assert all(port in PORTS for port in ports.values())
    assert {name: State(state.home).port(name) for name in ports} == ports


def test_processes_that_ask_at_the_same_time_get_the_same_answers(state: State) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: (State(state.home).port(f"p{n % 4}"), State(state.home).secret(f"s{n % 4}")), range(40)))
    assert len(set(answers)) == 4
    assert len(json.loads(state.file.read_text())["ports"]) == 4


def test_a_port_on_which_somebody_listens_is_not_free() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        assert not is_free(other.getsockname()[1])
    assert is_free(pick_port(set()))


def test_only_taken_ports_are_replaced(state: State) -> None:
    kafka, gateway = state.port("kafka"), state.port("gateway")
    moved = state.replace_taken_ports(free=lambda port: port != kafka)
    assert moved == {"kafka": (kafka, state.port("kafka"))}
    assert state.port("kafka") not in (kafka, gateway)
    assert state.port("gateway") == gateway


def test_nothing_is_replaced_while_all_ports_are_free(state: State) -> None:
    state.port("kafka")
    before = state.file.read_text()
    assert state.replace_taken_ports(free=lambda port: True) == {}
    assert state.file.read_text() == before


def test_a_port_is_never_given_twice() -> None:
    taken = set(PORTS[: len(PORTS) // 2])
    assert not taken & {pick_port(taken, free=lambda port: True) for _ in range(50)}


def test_without_a_free_port_the_search_ends() -> None:
    with pytest.raises(NoPort, match="no free port between 20000 and 32000"):
        pick_port(set(), free=lambda port: False)
