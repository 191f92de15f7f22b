"""The bodies about the simulators of the local stack; docs/simulators.md says what the fields mean. Times in epoch seconds."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

SimulatedProvider = Literal["sendgrid", "twilio", "fcm", "webhook"]
ConnectionFault = Literal["drop", "truncate", "reset", "hang", "trickle", "endless", "bomb", "interim"]
SignatureState = Literal["none", "valid", "unchecked"]
_TEXT = Annotated[str, Meta(max_length=200, pattern=r"^[ -~]*$")]  # it may become a header


class SimulatedMessage(Struct, frozen=True):
    """What arrived at a simulated provider; `text` is cut, `delivery_id` is empty if the request named none."""

    number: int
    at: float
    channel: str
    recipient: str
    sender: str
    title: str
    text: str
    delivery_id: str
    status: int


class MessageField(Struct, frozen=True):
    """A header, or another part of a request, with its value."""

    name: str
    value: str


class SimulatedMessageDetails(SimulatedMessage, frozen=True):
    """All of a message: `html` of an e-mail, `body` of a webhook as it was signed, `details`: its headers, and what else was sent.

    `signature`: of a webhook: `valid` if the simulator knows the secret, `unchecked` if it does not, `none` without one.
    """

    html: str
    image: str
    body: str
    signature: SignatureState
    details: list[MessageField]


class SimulatedMessagePage(Struct, frozen=True):
    """Messages, newest first; `next_cursor` is null on the last page. Only the last 300 are kept."""

    items: list[SimulatedMessage]
    next_cursor: str | None


class SimulatorFault(Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to the requests to a provider: a `status`, a `latency`, a `connection` fault, or several of them.

    `seconds`: how long it lasts. `key`: only requests with an account or host that begins with it. `ratio`: the part of the requests,
    chosen with `seed`. `retry_after`: the header of a response with `status`. `latency`: as `200ms`, `uniform:100ms-2s`,
    `exponential:500ms` or `lognormal:300ms:1.2`.
    """

    provider: Literal["sendgrid", "twilio", "fcm", "webhook", "all"]
    seconds: Annotated[float, Meta(gt=0, le=86_400)] = 120.0
    key: _TEXT = ""
    ratio: Annotated[float, Meta(gt=0, le=1)] = 1.0
    seed: int = 1
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    retry_after: _TEXT | None = None
    latency: Annotated[str, Meta(max_length=100)] = ""
    connection: ConnectionFault | None = None


class ActiveFault(Struct, frozen=True):
    """A fault that is switched on: the seconds until it ends, and how many requests it matched and changed."""

    id: int
    ends_in: float
    matched: int
    changed: int
    fault: SimulatorFault


class ActiveFaults(Struct, frozen=True):
    """The faults that are switched on, the newest first; of several the newest that changes a request counts."""

    items: list[ActiveFault]


class RemovedFaults(Struct, frozen=True):
    """How many faults were switched off."""

    removed: int


class SimulatedRequest(Struct, frozen=True):
    """One delivery of a request to a simulated provider; `status` 0: not processed; `fault`: the connection fault, empty for none."""

    seq: int
    at: float
    provider: SimulatedProvider
    delivery_id: str
    address: str
    status: int
    fault: str


class SimulatedRequestPage(Struct, frozen=True):
    """The request log, newest first; `next_cursor` is null on the last page."""

    items: list[SimulatedRequest]
    next_cursor: str | None


SIMULATOR_BODIES: Final[tuple[type[Struct], ...]] = (SimulatorFault,)
"""The structs that OpenAPI describes beside those of responses."""

_AT: Final = 1_795_851_813.0  # 2026-11-28 07:43:33 UTC
_DELIVERY: Final = "dlv_01a2211d759678619811269291aeed15"
_MESSAGE: Final = SimulatedMessage(17, _AT, "email", "ada@example.org", "Herold <shop@example.org>", "On its way", "Hello", _DELIVERY, 202)
SIMULATOR_EXAMPLES: Final[tuple[Struct, ...]] = (
    SimulatedMessagePage([_MESSAGE], None),
    ActiveFaults([ActiveFault(1, 87.5, 40, 12, SimulatorFault("twilio", 120.0, ratio=0.3, status=503))]),
    SimulatedRequestPage([SimulatedRequest(41, _AT, "sendgrid", _DELIVERY, "ada@example.org", 202, "")], "WyJhMmI0YzYiLCI0MSJd"),
)
