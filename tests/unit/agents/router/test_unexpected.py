"""Odd but legal records cost nobody but themselves; errors of our own are dead letters, and stop the router when they come in a row."""

from collections import Counter
from typing import Any

import pytest

from agents.brake import MOST_IN_A_ROW
from agents.router import decode, render
from agents.router.decode import FIRST_SEEN
from agents.router.templates import Ready
from schemas.ports import Header
from tests.unit.agents.router.test_owner import AWAY
from tests.unit.agents.router.world import HOME, NOW, USER, Read, World, an_id, json, notification


async def test_a_forwarded_record_with_a_field_name_that_is_no_text_is_dead() -> None:
    world = World()
    odd = json(notification()).replace(b'"user_id"', b'"x\xff":1,"user_id"')
    await world.route(Read(odd), Read(json(notification(id=an_id(2)))), partition=AWAY)
    assert world.outcome == ("dead", "undecodable")
    assert len(world.on("notifications.medium")) == 1


@pytest.mark.parametrize(("partition", "state"), [(AWAY, None), (HOME, "routed")])
async def test_headers_without_a_value_are_kept_and_harm_nobody(partition: int, state: str | None) -> None:
    world = World()
    headers: list[Header] = [("trace", None), (FIRST_SEEN, None)]
    await world.route(Read(json(notification()), headers=headers), partition=partition)
    assert [event.state for event in world.accepted] == ([state] if state else [])
    assert all(("trace", None) in record.headers for record in world.on("notifications.medium"))


async def test_very_many_headers_that_the_hop_would_make_too_large_are_told_as_that() -> None:
    world = World()
    await world.route(Read(json(notification()), headers=[("a", b"")] * 24_000), partition=AWAY)
    assert world.outcome == ("dead", "too_large")


async def test_half_a_character_in_a_template_is_its_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    from schemas.content import EmailContent

    monkeypatch.setattr(Ready, "render", lambda self, variables: EmailContent("\ud800", "text"), raising=False)
    world = World()
    await world.route(notification())
    assert world.outcome == ("dead", "template_error")


def broken(*given: Any) -> Any:
    raise ArithmeticError("ada@example.org")


@pytest.mark.parametrize("module", [decode, render])
async def test_an_error_of_our_own_is_a_dead_letter_that_quotes_nothing(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    with monkeypatch.context() as patched:
        patched.setattr(module, "_decode" if module is decode else "rendered", broken)
        await world.route(notification())
    await world.route(notification(id=an_id(2)))
    assert [(event.state, event.reason, event.user_id) for event in world.accepted] == [
        ("dead", "unexpected", USER),
        ("routed", "", USER),
    ]
    (letter,) = world.on("notifications.dlq")
    assert "ada@" not in str(letter.headers)
    assert letter.value == json(notification())


@pytest.mark.parametrize("module", [decode, render])
async def test_those_between_which_others_are_handled_stop_nobody(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "_decode" if module is decode else "rendered"
    good = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: broken() if "odd" in str(given) else good(*given))
    world = World()
    names = ["Ada", "odd"] * 2 * MOST_IN_A_ROW
    await world.route(*(notification(id=an_id(number), data={"order": 17, "name": name}) for number, name in enumerate(names)))
    assert Counter(event.reason for event in world.accepted) == {"unexpected": 2 * MOST_IN_A_ROW, "": 2 * MOST_IN_A_ROW}


async def test_a_refusal_in_between_is_handled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "rendered", broken)
    world = World()
    expired = {"expires_at": NOW - 1}
    await world.route(*(notification(id=an_id(number), **(expired if number % 2 else {})) for number in range(4 * MOST_IN_A_ROW)))
    assert Counter(event.reason for event in world.accepted) == {"unexpected": 2 * MOST_IN_A_ROW, "expired": 2 * MOST_IN_A_ROW}


async def test_what_opens_well_does_not_release_what_decides_badly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "rendered", broken)
    world = World()
    for number in range(MOST_IN_A_ROW):
        await world.route(notification(id=an_id(number)))
    with pytest.raises(ArithmeticError):
        await world.route(notification(id=an_id(MOST_IN_A_ROW)))
    assert len(world.accepted) == MOST_IN_A_ROW


async def test_too_many_in_a_row_stop_the_router_and_nothing_of_the_batch_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr(render, "rendered", broken)
    with pytest.raises(ArithmeticError):
        await world.route(*(notification(id=an_id(number)) for number in range(MOST_IN_A_ROW + 1)))
    assert not world.commit.sent
