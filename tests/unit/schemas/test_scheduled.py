"""What is scheduled keeps its payload byte for byte."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.scheduled import Cancel, Scheduled


@given(st.dictionaries(st.text(max_size=8), st.integers(0, 9), max_size=4), st.floats(0, 1e10), st.integers(0, 9))
def test_the_payload_comes_back_untouched(payload: dict[str, int], due: float, passes: int) -> None:
    text = msgspec.json.format(msgspec.json.encode(payload), indent=3)  # its own spacing must survive
    said = Scheduled("ntf_1", "u", due, "notifications.low", msgspec.Raw(text), passes)
    decoded = msgspec.json.decode(msgspec.json.encode(said), type=Scheduled | Cancel)
    assert isinstance(decoded, Scheduled)
    assert (bytes(decoded.payload), decoded.due_at, decoded.resume_count) == (text, due, passes)


@pytest.mark.parametrize("target", ["notification", "delivery"])
def test_a_cancellation_is_told_apart(target) -> None:
    said = Cancel("ntf_1", "u", target)
    assert msgspec.json.decode(msgspec.json.encode(said), type=Scheduled | Cancel) == said
