"""The runs of the scenario `live` by name."""

from dataclasses import dataclass

from schemas.channels import ChannelName
from schemas.enums import Priority


@dataclass(frozen=True)
class Run:
    """Clients that post as fast as they get answers, or a rate per second on a schedule; neither is the system at rest."""

    name: str
    clients: int = 0
    rate: float = 0.0
    priority: Priority = "medium"
    channel: ChannelName = "webhook"
    over_kafka: bool = False
    has_idempotency_keys: bool = False

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is sent."""
        return not self.clients and not self.rate


# the same channel together: between two channels workers stop and start
RUNS = {
    run.name: run
    for run in (
        Run("rest"),  # first, because PostgreSQL vacuums for minutes after the others
        Run("10", rate=10),
        Run("100", rate=100),
        Run("100-high", rate=100, priority="high"),
        Run("100-low", rate=100, priority="low"),
        Run("1000", rate=1000),
        Run("kafka-100", rate=100, over_kafka=True),
        Run("kafka-1000", rate=1000, over_kafka=True),
        Run("flat-8", clients=8),
        Run("flat-32", clients=32),
        Run("flat-128", clients=128),
        Run("flat-32-keys", clients=32, has_idempotency_keys=True),
        Run("email-100", rate=100, channel="email"),
        Run("email-1000", rate=1000, channel="email"),
        Run("email-flat-32", clients=32, channel="email"),
    )
}


def select_runs(names: str) -> list[Run]:
    """The runs with these comma-separated names, in the order of RUNS. Raises ValueError."""
    selected = set(names.split(","))
    if unknown := selected - set(RUNS):
        raise ValueError(f"no run {', '.join(sorted(unknown))}; there are {', '.join(RUNS)}")
    return [run for name, run in RUNS.items() if name in selected]
