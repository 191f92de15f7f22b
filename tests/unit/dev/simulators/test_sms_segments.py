import pytest

from dev.simulators.sms_segments import count_segments


# the examples of the delivery guide were checked with Twilio's own calculator
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 159 + "€", 2),  # the extension's characters take two places
        ("a" * 152 + "€" + "a" * 153, 3),  # and are not split: 152 | € + 151 | 2
        ("a" * 150 + "’", 3),  # UCS-2
        ("ç" * 70, 1),  # lower-case ç is not in the alphabet
        ("ç" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 fit into 67 places
        ("😀" * 67, 3),
    ],
)
def test_segments(text: str, count: int) -> None:
    assert count_segments(text) == count
