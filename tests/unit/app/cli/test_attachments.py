"""`herold send --attach`: a file as the e-mail's reader gets it."""

from base64 import b64decode
from pathlib import Path

import pytest

from app.cli.attachments import read_attachments
from schemas.attachments import MAX_ATTACHMENT_BYTES, Attachment
from tests.herold_runner import HeroldRunner
from tests.unit.app.api.harness import GatewayHarness

OPTIONS = ("--user", "u-42", "--type", "order.shipped", "--to", "email=a@example.org")


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def test_files_are_submitted_with_name_and_type(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, tmp_path: Path
) -> None:
    files = write(tmp_path / "Rechnung 17.pdf", b"%PDF\x00"), write(tmp_path / "noname", b"x")
    result = herold("send", *OPTIONS, "--attach", files[0], "--attach", files[1], "--url", gateway_url)
    assert result.exit_code == 0, result.output
    (notification,) = gateway_harness.publisher.decode_notifications()
    assert notification.attachments == [
        Attachment("Rechnung 17.pdf", "application/pdf", "JVBERgA="),
        Attachment("noname", "application/octet-stream", "eA=="),
    ]


@pytest.mark.parametrize(
    ("name", "media_type"), [("a.png", "image/png"), ("a.ics", "text/calendar"), ("a.tar.gz", "application/octet-stream")]
)
def test_the_type_is_guessed_from_the_name(tmp_path: Path, name: str, media_type: str) -> None:
    write(tmp_path / name, b"content")
    (attachment,) = read_attachments([tmp_path / name])
    assert (attachment["type"], b64decode(attachment["content"])) == (media_type, b"content")


def test_what_is_too_large_or_not_there_is_named(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    large = write(tmp_path / "large", b"x" * (MAX_ATTACHMENT_BYTES + 1))
    result = herold("send", *OPTIONS, "--attach", large, "--url", gateway_url)
    assert (result.exit_code, "send a link" in result.stderr) == (2, True)
    assert herold("send", *OPTIONS, "--attach", str(tmp_path / "nothing"), "--url", gateway_url).exit_code == 2


def test_a_name_that_cannot_be_sent_is_an_error_of_the_field(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    result = herold("send", *OPTIONS, "--attach", write(tmp_path / "a:b", b"x"), "--url", gateway_url)
    assert (result.exit_code, "$.attachments[0].filename" in result.stderr) == (1, True)
