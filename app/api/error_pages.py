"""Where vendors describe the codes that their answers have."""

from collections.abc import Callable, Mapping
from typing import Final

from agents.providers.twilio_codes import build_link

_FIRST_TWILIO_CODE: Final = 10_000  # below are HTTP statuses

_PAGES: Final[Mapping[str, Callable[[int], str]]] = {
    "sendgrid": lambda _: "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors",
    "twilio": lambda code: build_link(code) if code >= _FIRST_TWILIO_CODE else "https://www.twilio.com/docs/usage/twilios-response",
    "fcm": lambda _: "https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode",
    "smtp": lambda _: "https://www.iana.org/assignments/smtp-enhanced-status-codes",
}


def find_error_page(module: str, code: int) -> str:
    """The vendor's page about a code of its answers; empty without a code, or if there is none. `module` is one of agents.providers."""
    return _PAGES[module](code) if code and module in _PAGES else ""
