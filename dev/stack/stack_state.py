"""What a home folder remembers: its ports and its secrets, made when first asked for and kept as long as the data."""

import errno
import json
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dev.stack.files import acquire_file_lock, write_private_file

T = TypeVar("T")
LOOPBACK = "127.0.0.1"
# below the ranges from which Linux (32768) and macOS (49152) pick ports of outgoing connections, so that
# no client of ours can sit on a server's port while that server restarts
PORT_RANGE = range(20_000, 32_000)
SECRET_NAMES = ("password", "api_key", "web_token")


class NoFreePortError(Exception):
    """No free port was found on the loopback address."""


class HomeDirError(Exception):
    """The home folder cannot be made, written or understood."""


def resolve_home_dir(env: Mapping[str, str], cwd: Path) -> Path:
    """HEROLD_HOME, or `.herold` in the working directory; absolute."""
    return Path(cwd, env.get("HEROLD_HOME") or ".herold").resolve()


def is_port_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: connections that linger do not count
        try:
            probe.bind((LOOPBACK, port))
            probe.listen()
        except OSError:
            return False
    return True


def pick_free_port(taken: set[int], is_free: Callable[[int], bool] = is_port_free) -> int:
    """A free port that is not in `taken`; raises NoPort after 1000 tries."""
    for _ in range(1000):
        port = secrets.choice(PORT_RANGE)
        if port not in taken and is_free(port):
            return port
    raise NoFreePortError(f"no free port between {PORT_RANGE.start} and {PORT_RANGE.stop} on {LOOPBACK}: end some servers")


@dataclass(frozen=True)
class StackState:
    """The state file of a home; every method reads it anew, so that several processes may share a home."""

    home: Path

    @property
    def file(self) -> Path:
        return self.home / "state.json"

    def get_port(self, name: str) -> int:
        """The port of this name: "kafka", "postgres", "gateway", "router-1.web", ...; picked when first asked for."""
        ports = self._read().get("ports", {})
        return int(ports[name]) if name in ports else self._update(lambda state: _add_port(state, name))

    def get_secret(self, name: str) -> str:
        """The secret of this name ("password", "api_key", "web_token", ...): 32 hex digits, made when first asked for."""
        known = self._read().get("secrets", {})
        return str(known[name]) if name in known else self._update(lambda state: _add_secret(state, name))

    def replace_taken_ports(self, is_free: Callable[[int], bool] = is_port_free) -> dict[str, tuple[int, int]]:
        """Pick a new port wherever somebody else sits on ours; returns name -> (old, new). Only while nothing of ours runs."""
        taken = {name: port for name, port in self._read().get("ports", {}).items() if not is_free(port)}
        return self._update(lambda state: _reassign_ports(state, taken)) if taken else {}

    def create(self) -> None:
        """Make the home folder and the secrets that every run needs. Raises HomeUnusable."""
        try:
            if not self.home.exists():
                # root's PostgreSQL runs as another user, who must be able to walk through, but not to list
                self.home.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            if not os.access(self.home, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            for name in SECRET_NAMES:
                self.get_secret(name)
        except OSError as error:
            raise HomeDirError(f"{self.home} cannot be used ({error.strerror}): set HEROLD_HOME to a directory of your own") from error
        except ValueError as error:
            raise HomeDirError(f"{self.file} is damaged ({error}): delete {self.home}, with all its data, and start anew") from error

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
    moved = {}
    for name, old in taken.items():
        state["ports"][name] = pick_free_port(set(state["ports"].values()))
        moved[name] = (old, state["ports"][name])
    return moved
