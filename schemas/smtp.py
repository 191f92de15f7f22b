"""SMTP values, and the client that the provider of e-mails by SMTP uses (ports)."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from schemas.http import MaybeSent, NotSent

SmtpStage = Literal["connect", "starttls", "auth", "mail", "rcpt", "data"]
"""What a reply was to: the greeting, or a command of RFC 5321, 3207 or 4954."""


class SmtpRequest(Struct, frozen=True, gc=False):
    """One message with its envelope; the first recipient is the delivery's, the others get copies."""

    sender: str
    recipients: Sequence[str]
    message: bytes
    message_id: str


class SmtpReply(Struct, frozen=True, gc=False):
    """The reply that ended the transaction, without its text, which may have an address: the code, and the enhanced one of RFC 3463."""

    stage: SmtpStage
    code: int
    enhanced_code: str = ""
    message_id: str = ""


SmtpResult = SmtpReply | NotSent | MaybeSent


class SmtpClient(Protocol):
    """Sends messages without retries."""

    def send(self, request: SmtpRequest, on_result: Callable[[SmtpResult], None]) -> None:
        """Send one message. Calls `on_result` exactly once."""
        ...
