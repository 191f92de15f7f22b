"""The cause of a dead letter: the same fault has one cause, whatever record it hit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter
from schemas.dead_letter_causes import CAUSE_CHARACTERS, MAX_NORMALISED_CHARACTERS, compute_cause, normalise_error
from schemas.ids import derive_id


def build(error: str = "", reason: str = "invalid", code: int = 0) -> DeadLetter:
    return DeadLetter("router", reason, error, "notifications.low", 2, 17, provider_code=code)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("'ada' is not a number - at $.data.order", "'bob' is not a number - at $.data.order"),
        ("UNKNOWN 503: after 1500 ms", "UNKNOWN 503: after 2.5 ms"),
        ("ada@example.org bounced", "bob@example.com bounced"),
        ("no such user ntf_0199c82cc00070008000000000000001", "no such user ntf_0199c82cc00070008000000000000fff"),
        ("+43 664 1234567 is not valid", "+1 500 555 0006 is not valid"),
        ("https://a.example/x?token=1 answered", "https://b.example/y answered"),
        (f"token {'a' * 150}", f"token {'b' * 140}"),
    ],
)
def test_what_differs_from_record_to_record_does_not_count(one: str, other: str) -> None:
    assert compute_cause(build(one)) == compute_cause(build(other))


@pytest.mark.parametrize("other", [build("a"), build("b", reason="too_large"), build("b", code=400), build("b - at $.user_id")])
def test_another_fault_has_another_cause(other: DeadLetter) -> None:
    assert compute_cause(build("b")) != compute_cause(other)


@given(st.text(max_size=600))
def test_any_text_has_a_short_form_and_a_cause(error: str) -> None:
    assert len(normalise_error(error)) <= MAX_NORMALISED_CHARACTERS
    assert len(compute_cause(build(error))) == CAUSE_CHARACTERS


@given(st.floats(0, 2e9), st.text(max_size=5))
def test_an_id_never_stays_in_an_error(at: float, text: str) -> None:
    assert normalise_error(f"see {derive_id('dlv_', at, text)}") == "see <id>"
