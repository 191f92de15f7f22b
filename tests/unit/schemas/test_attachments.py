"""Attachments: what a producer may send with a notification."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from schemas.attachments import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, Attachment, find_attachment_problem
from schemas.notification import Notification
from schemas.topics import MAX_DELIVERY_BYTES

PDF = {"filename": "Rechnung 17.pdf", "type": "application/pdf", "content": b64encode(b"%PDF").decode()}


def decode(*attachments: dict[str, Any]) -> list[Attachment]:
    return msgspec.convert({"user_id": "u", "type": "t", "attachments": attachments}, Notification).attachments


def test_a_file_has_a_name_a_type_and_content() -> None:
    assert decode(PDF) == [Attachment("Rechnung 17.pdf", "application/pdf", "JVBERg==")]
    assert find_attachment_problem(decode(PDF)) is None
    assert find_attachment_problem([]) is None


@pytest.mark.parametrize("filename", ["", "a\nb", "a.pdf\n", "../a", "a\\b", "a\x00", "a\x7f", 'a"b', "a" * 201, "a\u2028"])
def test_a_name_is_one_line_that_every_system_can_store(filename: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"attachments\[0\]\.filename"):
        decode({**PDF, "filename": filename})


@pytest.mark.parametrize("media_type", ["", "pdf", "text/plain; charset=utf-8", "a/b\r\nX: y", "a/b\n", "/", "a/", "a b/c"])
def test_a_type_is_a_media_type_without_parameters(media_type: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"attachments\[0\]\.type"):
        decode({**PDF, "type": media_type})


@pytest.mark.parametrize("content_id", ["a b", "<logo>", "a\n", "x" * 101])
def test_a_content_id_is_the_name_in_a_url(content_id: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="content_id"):
        decode({**PDF, "content_id": content_id})


def test_there_are_at_most_so_many() -> None:
    assert len(decode(*[PDF] * MAX_ATTACHMENTS)) == MAX_ATTACHMENTS
    with pytest.raises(msgspec.ValidationError, match="length"):
        decode(*[PDF] * (MAX_ATTACHMENTS + 1))


@pytest.mark.parametrize("content", ["JVBERg=", "JVBE Rg==", "JVBERg==\n", "JVBE_g==", "ü" * 4])
def test_content_is_base64(content: str) -> None:
    problem = find_attachment_problem(decode(PDF, {**PDF, "content": content}))
    assert problem == ("$.attachments[1].content", "is not base64")


def test_the_size_of_all_together_is_bounded() -> None:
    half = {**PDF, "content": b64encode(b"x" * (MAX_ATTACHMENT_BYTES // 2)).decode()}
    assert find_attachment_problem(decode(half, half)) is None
    path, text = find_attachment_problem(decode(half, half, PDF)) or ("", "")
    assert (path, "send a link" in text) == ("$.attachments", True)


def test_a_content_id_is_that_of_one_file() -> None:
    logo = {**PDF, "content_id": "logo"}
    assert find_attachment_problem(decode(PDF, PDF, logo)) is None
    assert find_attachment_problem(decode(logo, logo)) == ("$.attachments[1].content_id", "is that of another attachment, too")


def test_the_largest_files_fit_into_a_delivery_with_the_largest_content() -> None:
    from schemas.content import MAX_CONTENT_BYTES

    encoded = MAX_ATTACHMENTS * 400 + (MAX_ATTACHMENT_BYTES + 2) // 3 * 4 + 4 * MAX_ATTACHMENTS
    assert MAX_CONTENT_BYTES + encoded + 16 * 1024 < MAX_DELIVERY_BYTES, "16 KiB for ids, address and what the scheduler adds"
