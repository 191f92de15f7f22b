"""A scheduled entry keeps its payload byte for byte."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.scheduled import Cancel, Reschedule, Scheduled, ScheduledRecord


@given(st.dictionaries(st.text(max_size=8), st.integers(0, 9), max_size=4), st.floats(0, 1e10), st.integers(0, 9))
def test_the_payload_is_unchanged(payload: dict[str, int], due_at: float, resume_count: int) -> None:
    text = msgspec.json.format(msgspec.json.encode(payload), indent=3)  # whitespace that a re-encoded payload would lose
    scheduled = Scheduled("ntf_1", "u", due_at, "notifications.low", msgspec.Raw(text), resume_count)
    decoded = msgspec.json.decode(msgspec.json.encode(scheduled), type=ScheduledRecord)
    assert isinstance(decoded, Scheduled)
    assert (bytes(decoded.payload), decoded.due_at, decoded.resume_count) == (text, due_at, resume_count)


@pytest.mark.parametrize("target", ["notification", "delivery"])
def test_a_cancel_entry_decodes_as_cancel(target) -> None:
    cancel = Cancel("ntf_1", "u", target)
    assert msgspec.json.decode(msgspec.json.encode(cancel), type=ScheduledRecord) == cancel


def test_a_reschedule_entry_decodes_as_reschedule() -> None:
    reschedule = Reschedule("ntf_1", "u", 1_760_000_000.5)
    assert msgspec.json.decode(msgspec.json.encode(reschedule), type=ScheduledRecord) == reschedule
