"""What the supervisor runs: one process, how to know that it is ready, and how to stop it."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Probe = Callable[[], Awaitable[object]]


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
    ready: Probe | None = None
    alive: Probe | None = None
    user: int | None = None
    forked: bool = False
    noise: str = ""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 20.0
    start_timeout: float = 60.0
    probe_every: float = 10.0
    probe_timeout: float = 5.0
    misses: int = 3


class StartFailed(Exception):
    """A service ended, or was not ready in time, when it was started for the first time."""
