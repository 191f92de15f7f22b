"""The pipeline on one screen: which role reads which topics, remembers what, and writes where (docs/architecture.md)."""

from dataclasses import dataclass, field

from schemas.rules import LONGEST_WINDOW
from schemas.topics import DEAD_LETTERS, STATUS, deliveries, notifications
from schemas.words import CHANNELS, LANES


@dataclass(frozen=True)
class Stage:
    """A role: the topics it reads, highest lane first; its tables with the seconds their rows live; the topics it writes."""

    role: str
    reads: tuple[str, ...]
    writes: tuple[str, ...] = ()
    tables: dict[str, int] = field(default_factory=dict)


DAY = 24 * 3600

PIPELINE: tuple[Stage, ...] = (
    Stage(
        "router",
        reads=tuple(notifications(lane) for lane in LANES),
        writes=(
            *(deliveries(channel, lane) for channel in CHANNELS for lane in LANES),
            *(notifications(lane) for lane in LANES),
            STATUS,
            DEAD_LETTERS,
        ),
        tables={"idempotency": 2 * DAY, "rate_windows": LONGEST_WINDOW},  # a record may be a day old when the first with its key is sought
    ),
    *(
        Stage(
            channel,
            reads=tuple(deliveries(channel, lane) for lane in LANES),
            writes=(STATUS, DEAD_LETTERS),
            tables={"attempts": 3 * DAY},
        )
        for channel in CHANNELS
    ),
    Stage("recorder", reads=(STATUS, DEAD_LETTERS)),
)

ROLES: tuple[str, ...] = tuple(stage.role for stage in PIPELINE)


def stage_of(role: str) -> Stage:
    """The stage of a role. Raises KeyError for a role that there is not."""
    return {stage.role: stage for stage in PIPELINE}[role]
