"""What the supervisor runs: one process, how to know that it is ready, and how to stop it."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

HealthCheck = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Service:
    """One process to keep running.

    `env` is added to the supervisor's own. `ready` raises until the process can be used; without it a started process counts as
    ready. Afterwards `alive` (`ready`, where it is not given) is the health check: `misses` failures in a row, `probe_every` seconds
    apart, restart the process.
    `user` is the uid and gid to run as (root only). `forked` says that `argv` is `python -m MODULE ...` and that a nursery may
    fork it. Lines in which the regular expression `noise` is found are not said. Times are in seconds.
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
    """A service ended, or was not ready in time, when it was started for the first time."""
