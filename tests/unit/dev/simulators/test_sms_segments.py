import pytest

from dev.simulators.sms_segments import count_segments


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
    assert count_segments(text) == count
