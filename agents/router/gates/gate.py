"""A gate of the router as one value."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import Stop, Verdict
from schemas.events import GateResult

Check = Callable[[RoutingState, GateContext], Verdict]
Explain = Callable[[RoutingState], Raw]
Prefetch = Callable[[RoutingState], None]
Stage = Callable[[RoutingState, Verdict, GateContext], None]

_encode = msgspec.json.Encoder().encode


class Gate(Struct, frozen=True, eq=False):
    """One check of the router.

    `check` reads the state and the context, sets in the state what it finds out, and returns a verdict. `explain` gives the entry in the
    decision log of a notification that has passed. `prefetch` notes in the state which rows and profiles `check` will read; `stage` stages
    the rows that follow from the verdict on the notification. `reasons` are the reasons that the gate gives, each with a clause that
    explains it to a person; it may name the event's fields `duplicate_of` and `type`. A gate that needs the record only is checked before
    anything is prefetched.
    """

    name: str
    check: Check
    explain: Explain
    prefetch: Prefetch | None = None
    stage: Stage | None = None
    reasons: Mapping[str, str] = {}
    needs_record_only: bool = False


def encode_pass(gate: str, reason: str = "", inputs: Mapping[Any, object] | None = None) -> Raw:
    """The entry in the decision log of a gate that let the notification pass."""
    return Raw(_encode(GateResult(gate, "pass", reason, dict(inputs or {}))))


def encode_stop(gate: str, stop: Stop) -> Raw:
    """The entry in the decision log of the gate that stopped the notification."""
    return Raw(_encode(GateResult(gate, stop.name, stop.reason, dict(stop.inputs))))
