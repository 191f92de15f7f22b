"""Odd but legal records affect no other record; unexpected errors are dead letters, and stop the router when they come in a row."""

from collections import Counter
from typing import Any

import pytest

from agents.consecutive_failure_limit import MAX_CONSECUTIVE_FAILURES
from agents.router.gates import decode
from agents.router.templates import channel_content
from agents.router.templates.cache import CompiledTemplate
from schemas.policy import Template
from schemas.ports import Header
from schemas.scheduled import ORIGINAL_TIME_HEADER
from tests.unit.agents.router.builders import TEMPLATES
from tests.unit.agents.router.gates.test_repartition import AWAY
from tests.unit.agents.router.harness import (
    NOW,
    USER_ID,
    USER_PARTITION,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    make_notification_id,
)


async def test_a_record_with_a_field_name_that_is_not_utf_8_cannot_be_repartitioned() -> None:
    harness = RouterHarness()
    value = encode_value(build_notification()).replace(b'"user_id"', b'"x\xff":1,"user_id"')
    await harness.route(build_record(value), build_record(encode_value(build_notification(id=make_notification_id(2)))), partition=AWAY)
    assert harness.last_state == ("dead", "undecodable")
    assert len(harness.get_records("notifications.medium")) == 1


@pytest.mark.parametrize(("partition", "state"), [(AWAY, None), (USER_PARTITION, "routed")])
async def test_headers_without_a_value_are_kept(partition: int, state: str | None) -> None:
    harness = RouterHarness()
    headers: list[Header] = [("trace", None), (ORIGINAL_TIME_HEADER, None)]
    await harness.route(build_record(encode_value(build_notification()), headers=headers), partition=partition)
    assert [event.state for event in harness.decided_events] == ([state] if state else [])
    assert all(("trace", None) in record.headers for record in harness.get_records("notifications.medium"))


async def test_a_record_whose_headers_leave_no_room_to_repartition_it_is_too_large() -> None:
    harness = RouterHarness()
    await harness.route(build_record(encode_value(build_notification()), headers=[("a", b"")] * 24_000), partition=AWAY)
    assert harness.last_state == ("dead", "too_large")


async def test_half_a_surrogate_pair_in_a_template_is_a_template_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from schemas.content import EmailContent

    monkeypatch.setattr(CompiledTemplate, "render", lambda self, variables: EmailContent("\ud800", "text"), raising=False)
    harness = RouterHarness()
    await harness.route(build_notification())
    assert harness.last_state == ("dead", "template_error")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{% if a %}" * 120 + "x" + "{% endif %}" * 120, "nested deeper than 80"),
        ("{{ " + " + ".join(["1"] * 3000) + " }}", "nested too deep"),
        ("{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "nested too deep"),
        ("{% if a %}x" + "{% elif a %}y" * 3000 + "{% endif %}", "nested too deep"),
        ("\ud800", "surrogate"),
        ("{{ a" + "|upper" * 79 + " }}", "nested deeper"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ a / 2 }}", "does not fit its data"),
        ("{{ a|int // 0 }}", "division by zero"),
    ],
)
async def test_whatever_a_template_does_never_counts_as_an_error_of_the_router(text: str, words: str) -> None:
    harness = RouterHarness(build_policy(templates=[*TEMPLATES, Template("odd", 1, "sms", "default", text=text)]))
    for number in range(2 * MAX_CONSECUTIVE_FAILURES):
        await harness.route(build_notification(id=make_notification_id(number), template="odd", channels=["sms"], data={"a": "x"}))
    assert Counter((event.state, event.reason) for event in harness.decided_events) == {
        ("dead", "template_error"): 2 * MAX_CONSECUTIVE_FAILURES
    }
    assert words in harness.decided_events[-1].decision_log[-1].inputs["error"]


@pytest.mark.parametrize("error", [RecursionError("maximum"), MemoryError(), KeyError("k"), RuntimeError("python")])
async def test_any_exception_of_a_template_is_a_template_error(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_to_render(self: CompiledTemplate, variables: Any) -> Any:
        raise error

    monkeypatch.setattr(CompiledTemplate, "render", fail_to_render, raising=False)
    harness = RouterHarness()
    for number in range(2 * MAX_CONSECUTIVE_FAILURES):
        await harness.route(build_notification(id=make_notification_id(number)))
    assert {event.reason for event in harness.decided_events} == {"template_error"}


def fail(*arguments: Any) -> Any:
    raise ArithmeticError("ada@example.org")


@pytest.mark.parametrize("module", [decode, channel_content])
async def test_an_unexpected_error_is_a_dead_letter_without_the_errors_text(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = RouterHarness()
    with monkeypatch.context() as patched:
        patched.setattr(module, "_decode" if module is decode else "render", fail)
        await harness.route(build_notification())
    await harness.route(build_notification(id=make_notification_id(2)))
    assert [(event.state, event.reason, event.user_id) for event in harness.decided_events] == [
        ("dead", "unexpected_error", USER_ID),
        ("routed", "", USER_ID),
    ]
    (record,) = harness.get_records("notifications.dlq")
    assert "ada@" not in str(record.headers)
    assert record.value == encode_value(build_notification())


@pytest.mark.parametrize("module", [decode, channel_content])
async def test_errors_with_successes_in_between_do_not_stop_the_router(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "_decode" if module is decode else "render"
    original = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: fail() if "odd" in str(arguments) else original(*arguments))
    harness = RouterHarness()
    names = ["Ada", "odd"] * 2 * MAX_CONSECUTIVE_FAILURES
    await harness.route(
        *(build_notification(id=make_notification_id(number), data={"order": 17, "name": name}) for number, name in enumerate(names))
    )
    assert Counter(event.reason for event in harness.decided_events) == {
        "unexpected_error": 2 * MAX_CONSECUTIVE_FAILURES,
        "": 2 * MAX_CONSECUTIVE_FAILURES,
    }


async def test_a_rejection_in_between_counts_as_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_content, "render", fail)
    harness = RouterHarness()
    expired = {"expires_at": NOW - 1}
    await harness.route(
        *(
            build_notification(id=make_notification_id(number), **(expired if number % 2 else {}))
            for number in range(4 * MAX_CONSECUTIVE_FAILURES)
        )
    )
    assert Counter(event.reason for event in harness.decided_events) == {
        "unexpected_error": 2 * MAX_CONSECUTIVE_FAILURES,
        "expired": 2 * MAX_CONSECUTIVE_FAILURES,
    }


async def test_a_success_of_the_record_gates_does_not_reset_the_count_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_content, "render", fail)
    harness = RouterHarness()
    for number in range(MAX_CONSECUTIVE_FAILURES):
        await harness.route(build_notification(id=make_notification_id(number)))
    with pytest.raises(ArithmeticError):
        await harness.route(build_notification(id=make_notification_id(MAX_CONSECUTIVE_FAILURES)))
    assert len(harness.decided_events) == MAX_CONSECUTIVE_FAILURES


async def test_too_many_in_a_row_stop_the_router_and_nothing_is_produced(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = RouterHarness()
    monkeypatch.setattr(channel_content, "render", fail)
    with pytest.raises(ArithmeticError):
        await harness.route(*(build_notification(id=make_notification_id(number)) for number in range(MAX_CONSECUTIVE_FAILURES + 1)))
    assert not harness.committer.records
