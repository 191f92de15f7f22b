"""Grapheme clusters against the examples of the standard; whole texts are compared with Twilio's calculator in test_sms_segments.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.grapheme_clusters import iterate_clusters


@pytest.mark.parametrize(
    "clusters",
    [
        ["a", "b"],
        ["e\u0301", "x"],  # a mark
        ["\U0001f44d\U0001f3fd", "a"],  # a modifier
        ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468"],  # a family
        ["\u2764\ufe0f"],  # a variation selector
        ["1\ufe0f\u20e3"],  # a keycap
        ["\U0001f1e6\U0001f1f9", "\U0001f1e9\U0001f1ea", "\U0001f1eb"],  # flags, and half of one
        ["a", "\U0001f1e6\U0001f1f9", "b"],
        ["\u1112\u1161\u11ab", "\ud55c", "\uac00\u11a8"],  # Hangul
        ["\u0928\u093f", "\u0e01\u0e47"],  # vowel signs
        ["\r", "\n", "\u0301", "a"],  # Twilio counts each end of a line by itself; nothing is joined to it
        ["\U0001f3f4\U000e0067\U000e0062\U000e007f", "x"],  # tags
    ],
)
def test_the_clusters_of_a_text(clusters: list[str]) -> None:
    assert list(iterate_clusters("".join(clusters))) == clusters


@given(text=st.text())
def test_the_clusters_are_the_whole_text(text: str) -> None:
    clusters = list(iterate_clusters(text))
    assert "".join(clusters) == text
    assert all(clusters)
