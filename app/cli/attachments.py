"""Files of the command line as attachments of a notification."""

from base64 import b64encode
from collections.abc import Sequence
from mimetypes import guess_type
from pathlib import Path

import click

from app.cli.output import JsonObject
from schemas.attachments import MAX_ATTACHMENT_BYTES

UNKNOWN_TYPE = "application/octet-stream"


def read_attachments(paths: Sequence[Path]) -> list[JsonObject]:
    """The files with their media types, guessed from their names. Raises click.UsageError for more than can be sent."""
    if (size := sum(path.stat().st_size for path in paths)) > MAX_ATTACHMENT_BYTES:
        raise click.UsageError(f"--attach: {size} bytes together are more than {MAX_ATTACHMENT_BYTES}: send a link to the file instead")
    return [{"filename": path.name, "type": _guess_type(path), "content": b64encode(path.read_bytes()).decode()} for path in paths]


def _guess_type(path: Path) -> str:
    media_type, encoding = guess_type(path.name)
    return media_type if media_type and not encoding else UNKNOWN_TYPE  # a.tar.gz is no application/x-tar
