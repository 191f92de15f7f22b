"""A gate of the router as one value."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from agents.router.gates.wording import Facts, Sentence, describe_inputs
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import Hold, Stop, Verdict
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
    the rows that follow from the verdict on the notification. A gate that needs the record only is checked before anything is prefetched.

    A notification that was held resumes at the gate that held it; of the gates before, those with `is_final_once_passed` are not checked
    again.

    The words of the gate (agents/router/gates/wording.py), which only `explain` reads: `reasons` has for each reason that the gate gives a
    clause that explains it to a person; `remedies` has for the same reasons what would have changed the result, a clause such as "the user
    would have to opt in to {category} by {channels:list}"; `describe` writes the inputs of an entry as words.
    """

    name: str
    check: Check
    explain: Explain
    prefetch: Prefetch | None = None
    stage: Stage | None = None
    reasons: Mapping[str, Sentence] = {}
    remedies: Mapping[str, Sentence] = {}
    describe: Callable[[Facts], str] = describe_inputs
    needs_record_only: bool = False
    is_final_once_passed: bool = False


def encode_pass(gate: str, reason: str = "", inputs: Mapping[Any, object] | None = None) -> Raw:
    """The entry in the decision log of a gate that let the notification pass."""
    return Raw(_encode(GateResult(gate, "pass", reason, dict(inputs or {}))))


def encode_stop(gate: str, stop: Stop) -> Raw:
    """The entry in the decision log of the gate that stopped the notification; that of a hold says until when (`until`)."""
    held_until = {"until": stop.until} if isinstance(stop, Hold) else {}
    return Raw(_encode(GateResult(gate, stop.name, stop.reason, held_until | dict(stop.inputs))))
