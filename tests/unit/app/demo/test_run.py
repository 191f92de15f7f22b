"""The result of a run: what is promised, what is shown as an example, and the one line for machines."""

import msgspec
import pytest

from app.demo.account import Fate, account
from app.demo.ledger import Comparison
from app.demo.run import Result, examples, promised, sample_settings
from app.demo.sample import Line
from app.demo.submitted import Submitted
from app.settings import load
from schemas.status import Planned
from schemas.words import CHANNELS, State, StatusName
from tables.postgres.fates import Current, Decided, Fates

LINE, AGAIN = Line("kafka", ["routed"], "low", {}), Line("kafka", ["repeated"], again=1)
AGREEING = Comparison([], [], [], [], 0, 1, 1, {})


def result(fates: list[Fate], lost: int = 0, comparison: Comparison = AGREEING) -> Result:
    return Result(account(fates, lost), comparison, {}, {}, 1.234)


def test_promised_are_listed_deliveries_and_those_that_should_not_be_there() -> None:
    submitted = [Submitted(LINE, 5.0, "n", "high"), Submitted(AGAIN, 6.0, "n", "high"), Submitted(LINE, 7.0, rejected="invalid")]
    recorded = Fates(
        {"n": Decided(State.ROUTED, "", [Planned("d1", "email"), Planned("d2", "sms")])},
        {"d1": Current("n", "email", StatusName.SENT, "", 8.0), "d3": Current("n", "push", StatusName.SENT, "", 8.0)},
    )
    found = {each: (known.status, known.lane, known.at, known.planned) for each, known in promised(submitted, recorded).items()}
    assert found == {"d1": ("SENT", "high", 5.0, True), "d2": ("PENDING", "high", 5.0, True), "d3": ("SENT", "high", 5.0, False)}


def test_examples_are_the_first_of_each_fate() -> None:
    submitted = [Submitted(LINE, 0.0, an_id, "low") for an_id in ("a", "b", "c")]
    fates = [Fate("routed", ("SENT", "FAILED exhausted"), True), Fate("routed", ("SENT",), True), Fate("dead invalid", (), True)]
    assert examples(submitted, fates) == {"SENT": "a", "FAILED exhausted": "a", "routed": "b", "dead invalid": "c"}


@pytest.mark.parametrize(
    ("fates", "lost", "comparison", "ok"),
    [
        ([Fate("routed", ("SENT",), True)], 0, AGREEING, True),
        ([Fate("routed", ("SENT",), True), Fate()], 0, AGREEING, False),
        ([Fate("routed", ("SENT",), True), Fate()], 1, AGREEING, False),
        ([Fate("routed", ("SENT",), True)], 0, msgspec.structs.replace(AGREEING, missing=["d"]), False),
        ([Fate("routed", ("SENT",), True)], 0, msgspec.structs.replace(AGREEING, duplicates=3), True),
    ],
)
def test_a_run_is_good_if_all_is_final_and_the_ledger_agrees(fates: list[Fate], lost: int, comparison: Comparison, ok: bool) -> None:
    assert result(fates, lost, comparison).ok is ok


def test_the_last_line_is_one_json_object() -> None:
    text = result([Fate("routed", ("SENT",), True), Fate("refused expired", (), True), Fate(), Fate()], lost=1).json()
    assert "\n" not in text
    assert msgspec.json.decode(text) == {
        "submitted": 4,
        "final": {"status": {"SENT": 1}, "state": {"refused": 1, "routed": 1}, "reason": {"expired": 1}},
        "in_flight": 1,
        "lost": 1,
        "duplicates": 0,
        "seconds": 1.23,
    }


def test_the_settings_of_the_sample_are_those_of_the_process() -> None:
    found = sample_settings(load({"HEROLD_GATEWAY_PORT": "81", "HEROLD_TWINS_URL": "http://t/", "HEROLD_RECEIPTS_SMS": "9"}))
    assert (found.api_url, found.twins_url) == ("http://127.0.0.1:81", "http://t")
    assert found.receipts == {**dict.fromkeys(CHANNELS, 0), "sms": 9}
    assert "api_key" not in repr(found)
