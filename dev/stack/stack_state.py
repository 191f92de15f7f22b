"""The state file of a home directory: its ports and secrets, created at their first use and kept as long as the data."""

import errno
import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dev.stack.port_claims import claim_port
from dev.stack.private_files import acquire_file_lock, write_private_file

T = TypeVar("T")
LOOPBACK = "127.0.0.1"
# below the ephemeral ports of Linux (from 32768) and macOS (from 49152), so that no outgoing connection can take the port of a server
# while that server restarts
PORT_RANGE = range(20_000, 32_000)
SECRET_NAMES = ("password", "api_key", "web_token")


class NoFreePortError(Exception):
    """No free port was found on the loopback address."""


class HomeDirError(Exception):
    """The home directory cannot be created or written, or its state file is damaged."""


def is_port_free(port: int) -> bool:
    """Whether a server can listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: connections in TIME_WAIT do not count
        try:
            probe.bind((LOOPBACK, port))
            probe.listen()
        except OSError:
            return False
    return True


def pick_free_port(taken: set[int], is_free: Callable[[int], bool] = is_port_free, claim: Callable[[int], bool] = claim_port) -> int:
    """A free port that is not in `taken`, and that nobody has claimed. Raises NoFreePortError after 1000 tries."""
    for _ in range(1000):
        port = secrets.choice(PORT_RANGE)
        if port not in taken and is_free(port) and claim(port):
            return port
    raise NoFreePortError(f"no free port between {PORT_RANGE.start} and {PORT_RANGE.stop} on {LOOPBACK}: stop some servers")


@dataclass(frozen=True)
class StackState:
    """The state file of a home. Every method reads it again, so that several processes can share a home."""

    home: Path

    @property
    def file(self) -> Path:
        return self.home / "state.json"

    def get_port(self, name: str) -> int:
        """The port of a process ("kafka", "postgres", "gateway", "router-1.web", ...); picked at the first call."""
        ports = self._read().get("ports", {})
        return int(ports[name]) if name in ports else self._update(lambda state: _add_port(state, name))

    def get_secret(self, name: str) -> str:
        """A secret ("password", "api_key", "web_token", ...): 32 hex digits, generated at the first call."""
        secrets_by_name = self._read().get("secrets", {})
        return str(secrets_by_name[name]) if name in secrets_by_name else self._update(lambda state: _add_secret(state, name))

    def replace_taken_ports(self, is_free: Callable[[int], bool] = is_port_free) -> dict[str, tuple[int, int]]:
        """Pick a new port for each one that another program uses; returns name -> (old, new). No process of this home may run."""
        taken = {name: port for name, port in self._read().get("ports", {}).items() if not is_free(port)}
        return self._update(lambda state: _reassign_ports(state, taken)) if taken else {}

    def create(self) -> None:
        """Create the home directory and the secrets that every run needs. Raises HomeDirError."""
        try:
            # if root starts PostgreSQL, it runs as another user, who must be able to traverse the directory, but not to list it
            self.home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            if not os.access(self.home, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            for name in SECRET_NAMES:
                self.get_secret(name)
        except OSError as error:
            raise HomeDirError(f"{self.home} cannot be used ({error.strerror}): set HEROLD_HOME to a directory of your own") from error
        except ValueError as error:
            raise HomeDirError(f"{self.file} is damaged ({error}): delete {self.home} with all its data and start again") from error

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.file.read_text()))
        except FileNotFoundError:
            return {}

    def _update(self, change: Callable[[dict[str, Any]], T]) -> T:
        with acquire_file_lock(self.home / "state.lock"):
            state = self._read()
            result = change(state)
            write_private_file(self.file, json.dumps(state, indent=1) + "\n")
        return result


def _add_port(state: dict[str, Any], name: str) -> int:
    ports = state.setdefault("ports", {})
    if name not in ports:
        ports[name] = pick_free_port(set(ports.values()))
    return int(ports[name])


def _add_secret(state: dict[str, Any], name: str) -> str:
    return str(state.setdefault("secrets", {}).setdefault(name, secrets.token_hex(16)))


def _reassign_ports(state: dict[str, Any], taken: dict[str, int]) -> dict[str, tuple[int, int]]:
    replaced = {}
    for name, old in taken.items():
        state["ports"][name] = pick_free_port(set(state["ports"].values()))
        replaced[name] = (old, state["ports"][name])
    return replaced
