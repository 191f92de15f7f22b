import pytest

from app.api.explain import WHY, explained
from app.api.story import told
from schemas.history import Story
from schemas.ids import DELIVERY, new_id
from schemas.status import Accepted, Planned, Status, Step
from schemas.words import Reason, State, StatusName
from tests.unit.app.api.world import NOW, RECEIPTS, an_id

DLV = new_id(DELIVERY, NOW, 1)


def sentence(accepted: Accepted, *current: Status) -> str:
    body = explained(accepted, told(Story(accepted, current, []), accepted.id, RECEIPTS, NOW))
    assert [(gate.gate, gate.verdict) for gate in body.gates] == [(step.gate, step.verdict) for step in accepted.trace]
    return body.sentence


def ended(state: State, reason: Reason, step: Step, **more: str) -> Accepted:
    return Accepted(an_id(), "u", state, NOW, NOW, "low", "a.type", reason=reason, trace=[Step("decode", "pass"), step], **more)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (
            ended(State.REFUSED, Reason.DUPLICATE, Step("idempotency", "refused", "duplicate", {"key": "k"}), first_id=an_id(9)),
            f"Refused: the same user had one with this key already: {an_id(9)}, at the gate idempotency.",
        ),
        (
            ended(State.REFUSED, Reason.RATE_LIMITED, Step("rate_limit", "refused", "", {"sms": {"used": 10, "seconds": 3600}})),
            "Refused: the user has been told as much as the rate limits allow (sms: 10 in 3600 s), at the gate rate_limit.",
        ),
        (
            ended(State.REFUSED, Reason.NO_ADDRESS, Step("user", "refused", "", {"channels": ["email", "sms"]})),
            "Refused: the user has no address on any of its channels (email, sms), at the gate user.",
        ),
        (
            ended(State.DEAD, Reason.UNKNOWN_TYPE, Step("user", "dead", "", {"error": "no rule"})),
            "Dead: no rule tells what to do with the type 'a.type' (no rule), at the gate user.",
        ),
    ],
)
def test_what_was_not_routed_tells_why_and_where(accepted: Accepted, expected: str) -> None:
    assert sentence(accepted) == expected


def test_what_was_routed_tells_of_its_deliveries() -> None:
    accepted = Accepted(an_id(), "u", State.ROUTED, NOW, NOW, "high", deliveries=[Planned(DLV, "email")])
    failed = Status(DLV, an_id(), "u", "email", StatusName.FAILED, NOW, NOW, reason=Reason.EXHAUSTED)
    assert sentence(accepted) == "Routed in the high lane: email is PENDING."
    assert sentence(accepted, failed) == "Routed in the high lane: email is FAILED (exhausted)."


def test_a_reason_of_a_later_release_is_told_as_it_is() -> None:
    accepted = Accepted(an_id(), "u", State.REFUSED, NOW, NOW, "low", reason="moon_phase")
    assert sentence(accepted) == "Refused: moon_phase."


def test_every_reason_of_the_router_has_its_words() -> None:
    of_deliveries = {reason for reason in Reason if reason not in WHY}
    assert not {Reason.DUPLICATE, Reason.UNDECODABLE, Reason.MISSING_VARIABLE, Reason.CONTENT_TOO_LARGE} & of_deliveries
