"""The gates in their order, on one screen (design.md section 6).

decode and owner need the record only, and come before any row is read. Each other gate reads the case and the desk, leaves in the case
what it found out, and returns nothing to pass it on, or how it ends. From what they left the trace is written (agents/router/trace.py).
"""

from collections.abc import Callable

from agents.brake import Brake
from agents.router import decode, expiry, owner, rate_limit, render, repeats, route, user
from agents.router.case import Case, Desk, Ending, Source, dead
from schemas.ports import Record
from schemas.words import Reason

Gate = Callable[[Case, Desk], Ending | None]

GATES: tuple[Gate, ...] = (
    repeats.gate,
    expiry.gate,
    user.gate,
    rate_limit.gate,
    route.gate,
    render.gate,
)
NAMES: dict[Gate, str] = {module.gate: module.GATE for module in (repeats, expiry, user, rate_limit, route, render)}


def opened(record: Record, source: Source, partition: int, now: float, partitions: int, brake: Brake) -> Case:
    """The case of a record, after the gates decode and owner; its ending is set if it goes no further. Raises what the brake does."""
    try:
        case = decode.opened(record, source, partition, now)
        if case.ending is None:
            case.ending = owner.gate(case, partitions)
    except Exception as error:
        return decode.buried(record, source, partition, now, brake.pull(error))
    if brake.in_a_row:
        brake.release()
    return case


def decided(case: Case, desk: Desk, brake: Brake) -> Ending | None:
    """How the case ends early, or nothing if it is to go out; the rows of the batch hold what was decided. Raises what the brake does."""
    ending = None
    try:
        for gate in GATES:
            ending = gate(case, desk)
            if ending is not None:
                break
    except Exception as error:
        return dead(NAMES[gate], Reason.UNEXPECTED, brake.pull(error))
    if brake.in_a_row:
        brake.release()
    return ending
