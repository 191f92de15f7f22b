"""A service of the supervisor: its command, its health checks, and how it is stopped."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

HealthCheck = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Service:
    """One process that the supervisor keeps running; times in seconds.

    `env`: added to the environment of the supervisor. `readiness_check`: raises until the process is ready; without it, a started process
    is ready. `liveness_check` (default: `readiness_check`): runs every `check_interval` once the process is ready; `failure_threshold`
    failures in a row restart the process. `user`: the uid and gid to run as (root only). `forkable`: `argv` is `python -m MODULE ...`, and
    the fork server may fork it. `log_exclude_pattern`: a regular expression; lines that it matches are not logged.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    readiness_check: HealthCheck | None = None
    liveness_check: HealthCheck | None = None
    user: int | None = None
    forkable: bool = False
    log_exclude_pattern: str = ""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 20.0
    start_timeout: float = 60.0
    check_interval: float = 10.0
    check_timeout: float = 5.0
    failure_threshold: int = 3


class ServiceStartError(Exception):
    """A service exited or was not ready in time at its first start."""
