import pytest

from app.cli.times import parse_time
from tests.herold_runner import HeroldRunner

NOW = 1_795_849_200.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+10m", NOW + 600),
        ("+90s", NOW + 90),
        ("+1h30m", NOW + 5400),
        ("+2d", NOW + 2 * 86_400),
        ("1795849999.5", 1795849999.5),
        ("2026-12-24T18:00:00+01:00", "2026-12-24T18:00:00+01:00"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
    ],
)
def test_a_time_is_rfc_3339_or_epoch_seconds_or_a_duration(text: str, expected: object) -> None:
    assert parse_time(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "10m", "+", "+10", "+m", "+30m1h", "+1.5h", "+-1h", "soon", "nan", "inf", "2026-12-24", "2026-12-24T18:00:00"]
)
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time: use RFC 3339"):
        parse_time(text, NOW)


@pytest.mark.parametrize("command", [("send", "--user", "u", "--type", "t", "--send-at", "10m"), ("reschedule", "ntf_1", "10m")])
def test_a_command_names_the_formats(herold: HeroldRunner, command: tuple[str, ...]) -> None:
    result = herold(*command)
    assert result.exit_code == 2
    assert "'10m' is not a time: use RFC 3339 text with a zone, epoch seconds, or a duration from now such as +10m" in " ".join(
        result.output.split()
    )
