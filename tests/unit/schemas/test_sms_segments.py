"""SMS segments against Twilio's own calculator, published examples and a model, and Twilio's smart encoding.

sms_segments_cases.jsonl has texts with what the npm package sms-segments-calculator 1.3.0 (Twilio Inc., MIT licence) counts: encoding,
segments and units, without and with smart encoding. The texts are random, near the ends of segments, and clusters across them.
"""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sms_segments import SmsSegments, apply_smart_encoding, measure_sms

DIGITS = "1234567890"
TABLE = (  # 3GPP TS 23.038, 6.2.1: the default alphabet, row by row
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION_TABLE = "\f^{}\\[~]|€"


COUNTED_TEXTS = [msgspec.json.decode(line) for line in Path(__file__).with_name("sms_segments_cases.jsonl").read_bytes().splitlines()]


def test_each_text_has_the_segments_that_twilios_calculator_counts() -> None:
    for text, *counts in COUNTED_TEXTS:
        measured = [measure_sms(text), measure_sms(text, smart_encoding=True)]
        assert [[one.encoding, one.segments, one.units] for one in measured] == counts, text
    assert len(COUNTED_TEXTS) > 200


def test_a_cluster_is_in_one_segment() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # eight code units
    assert measure_sms("ж" * 67 + family).free == 67 - 8
    assert measure_sms("ж" * 60 + family + "ж" * 10).free == 67 - 18, "it begins the second segment"


# checked with Twilio's segment calculator
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 159 + "€", 2),  # a character of the extension table takes two septets
        ("a" * 152 + "€" + "a" * 153, 3),  # and is not split: 152 | € + 151 | 2
        ("a" * 150 + "’", 3),  # UCS-2
        ("ç" * 70, 1),  # lower-case ç is not in the basic alphabet
        ("ç" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 fit into 67 code units
        ("😀" * 67, 3),
    ],
)
def test_the_number_of_segments(text: str, count: int) -> None:
    assert measure_sms(text).segments == count


# the examples of the tests of Twilio's calculator: sizes in bits are units times 7 or 16
@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("{" + (DIGITS * 16)[1:159], SmsSegments("GSM-7", 1, 160, 0)),
        ("{" + (DIGITS * 16)[1:160], SmsSegments("GSM-7", 2, 161, 145)),
        ("😜" + (DIGITS * 7)[1:69], SmsSegments("UCS-2", 1, 70, 0, "😜")),
        ("😜" + (DIGITS * 7)[1:70], SmsSegments("UCS-2", 2, 71, 63, "😜")),
    ],
)
def test_the_examples_of_the_provider(text: str, segments: SmsSegments) -> None:
    assert measure_sms(text) == segments


def count_by_model(text: str) -> int:
    """The segments, filled one after the other."""
    if set(text) <= set(TABLE + EXTENSION_TABLE):
        pieces, single, limit = [2 if char in EXTENSION_TABLE else 1 for char in text], 160, 153
    else:
        pieces, single, limit = [len(char.encode("utf-16-le")) // 2 for char in text], 70, 67
    if sum(pieces) <= single:
        return 1
    segments: list[list[int]] = [[]]
    for piece in pieces:
        if sum(segments[-1]) + piece > limit:
            segments.append([])
        segments[-1].append(piece)
    return len(segments)


ALPHABETS = [TABLE, TABLE + EXTENSION_TABLE, "ab€", "aç😀", "😀", "abc’"]


@given(text=st.sampled_from(ALPHABETS).flatmap(lambda alphabet: st.text(alphabet, max_size=500)))
def test_segments_are_those_of_the_model(text: str) -> None:
    assert measure_sms(text).segments == count_by_model(text)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("“Hello” — it’s 5 °", '"Hello" - it\'s 5 °'),  # ° has no counterpart, and the rest is replaced all the same
        ("“Hello” — it’s…", '"Hello" - it\'s...'),
        ("¼ \uff21\uff22\uff03 • x", "1/4 AB# - x"),
        ("a\u00a0b\u200bc", "a  bc"),  # as Twilio's map has it
        ("€ é {", "€ é {"),
        ("“Hello” 😀", '"Hello" 😀'),
    ],
)
def test_smart_encoding_replaces_what_looks_alike(text: str, encoded: str) -> None:
    assert apply_smart_encoding(text) == encoded
    assert measure_sms(text, smart_encoding=True) == measure_sms(encoded)


@given(text=st.text(max_size=200))
def test_a_smart_text_is_the_same_when_it_is_encoded_again(text: str) -> None:
    encoded = apply_smart_encoding(text)
    assert apply_smart_encoding(encoded) == encoded
