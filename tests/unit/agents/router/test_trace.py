"""Traces: shared by what was routed alike, and never by what was not."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.brake import Brake
from agents.router import trace
from agents.router.book import Book
from agents.router.case import Case, Desk, Rows, source_of
from agents.router.gates import decided, opened
from agents.router.needs import keys_of, prepare
from agents.router.trace import MAX_TRACES, STEPS
from schemas.words import CHANNELS
from tests.unit.agents.router.policy import POLICY
from tests.unit.agents.router.world import HOME, NOW, PARTITIONS, USER, Read, World, an_id, json, notification, policy

BOOK = Book(POLICY)
addresses = st.lists(st.sampled_from("abc"), min_size=1, max_size=3)
fields = st.fixed_dictionaries(
    {"to": st.dictionaries(st.sampled_from(CHANNELS), addresses, min_size=1)},
    optional={
        "channels": st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=3),
        "locale": st.sampled_from(["de", "en", "de-AT"]),
        "type": st.sampled_from(["order.shipped", "account.otp", "partner.order"]),
        "template": st.sampled_from(["shipped", "otp"]),
    },
)


def case_of(book: Book, given: dict[str, Any]) -> tuple[Case, bool]:
    """A case after the gates, and whether it passed them."""
    value = notification(data={"order": 1, "name": "Ada", "code": 2}, **given)
    case = opened(Read(json(value)), source_of("notifications.low", ""), HOME, NOW, PARTITIONS, Brake())
    prepare([case], book)
    firsts, windows = keys_of([case])
    return case, decided(case, Desk(book, Rows(dict.fromkeys(firsts), dict.fromkeys(windows)), {}), Brake()) is None


@settings(deadline=None, max_examples=300)
@given(fields)
def test_a_shared_trace_is_what_the_steps_say(given: dict[str, Any]) -> None:
    case, passed = case_of(BOOK, given)
    if passed:
        assert msgspec.json.decode(trace.routed(case)) == [msgspec.json.decode(told(case)) for told in STEPS.values()]


def test_what_is_routed_alike_shares_its_trace() -> None:
    one, other = (case_of(BOOK, {"to": {"email": "a", "push": name}})[0] for name in ("p", "q"))
    assert trace.routed(one) is trace.routed(other)


async def test_a_full_window_is_told_with_its_own_numbers() -> None:
    world = World()
    for number in range(4):
        await world.route(notification(id=an_id(number), type="account.otp", data={"code": number}, to={"sms": "+1", "email": "a"}))
        world.now += 1
    assert [event.trace[5].reason for event in world.accepted] == ["", "", "some_limited", "some_limited"]


async def test_the_trace_of_an_ending_stops_at_its_gate() -> None:
    world = World()
    await world.route(notification(data={}))
    assert [step.gate for step in world.accepted[0].trace] == list(STEPS)[:8]


def test_made_up_numbers_of_addresses_do_not_fill_the_memory() -> None:
    book = Book(policy())
    plan = case_of(book, {"to": {"email": "a", "push": "p"}})[0].plan
    assert plan is not None
    plan.traces.update({number: msgspec.Raw() for number in range(MAX_TRACES)})
    case, _ = case_of(book, {"to": {"email": ["a", "b"], "push": "p"}})
    trace.routed(case)
    assert len(plan.traces) == 1


def test_the_user_is_no_part_of_it() -> None:
    case, _ = case_of(BOOK, {"to": {"email": "a", "push": "p"}})
    assert USER.encode() not in bytes(trace.routed(case))
