"""Files that come with a notification and go out with its e-mails."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct

MAX_ATTACHMENTS = 10
MAX_ATTACHMENT_BYTES = 120 * 1024
"""Of all files of a notification together: in base64, with a content of 64 KiB, they fit into a record of 256 KiB."""

MAX_ENCODED_CHARACTERS: Final = (MAX_ATTACHMENT_BYTES + 2) // 3 * 4

# RFC 6838, 4.2: a type without parameters
MEDIA_TYPE_PATTERN = "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}$(?!\\n)"
FILENAME_PATTERN = (
    '^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029/\\\\:*?"<>|]{1,200}$(?!\\n)'  # one that every system can store, and one line of a header
)
CONTENT_ID_PATTERN = "^[A-Za-z0-9._+-]{0,100}$(?!\\n)"


class Attachment(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """A file: its name, its media type and its bytes in base64. With a `content_id`, HTML shows it as `<img src="cid:...">`."""

    filename: Annotated[str, Meta(pattern=FILENAME_PATTERN)]
    type: Annotated[str, Meta(pattern=MEDIA_TYPE_PATTERN, description="a media type, such as application/pdf")]
    content: Annotated[str, Meta(min_length=4, max_length=MAX_ENCODED_CHARACTERS, description="base64")]
    content_id: Annotated[str, Meta(pattern=CONTENT_ID_PATTERN, description="of a picture within the HTML")] = ""


def find_attachment_problem(attachments: Sequence[Attachment]) -> tuple[str, str] | None:
    """Path and text of what the schema cannot express: base64, the size of all, and content ids that repeat."""
    size, content_ids = 0, set[str]()
    for index, attachment in enumerate(attachments):
        try:
            size += len(b64decode(attachment.content, validate=True))
        except ValueError:
            return f"$.attachments[{index}].content", "is not base64"
        if attachment.content_id and attachment.content_id in content_ids:
            return f"$.attachments[{index}].content_id", "is that of another attachment, too"
        content_ids.add(attachment.content_id)
    if size > MAX_ATTACHMENT_BYTES:
        return "$.attachments", f"have {size} bytes together, more than {MAX_ATTACHMENT_BYTES}: send a link to the file instead"
    return None


def count_encoded_bytes(attachments: Sequence[Attachment]) -> int:
    """The bytes of the files in base64."""
    return sum(len(attachment.content) for attachment in attachments)
