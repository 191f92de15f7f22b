"""SMTP: an e-mail as one mail transaction with a mail server (RFC 5321).

There is no idempotency key, so a message that was sent without a reply is UNKNOWN. The Message-ID is that of the delivery and attempt, so
that a mailbox which gets one twice can see it.
"""

from dataclasses import replace
from typing import Annotated, Literal

from msgspec import Meta, Struct

from agents.providers.http import HttpLimits
from agents.providers.response import build_invalid_content, parse_no_response
from agents.providers.setting_checks import check_line, check_settings, expect_match
from agents.providers.smtp_client import SmtpConnectionPool, SmtpServer
from agents.providers.smtp_codes import classify
from agents.providers.smtp_message import build_message
from schemas.addresses import InvalidAddress, build_comparison_key, normalize_email
from schemas.channels import ChannelName
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason
from schemas.errors import SettingError
from schemas.outcome import AttemptResult
from schemas.smtp import SmtpReply, SmtpRequest, SmtpResult

INVALID_ADDRESS = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not an e-mail address")
INVALID_CONTENT = build_invalid_content("email")
PROVIDER_TEMPLATE = AttemptResult(
    Outcome.REJECTED_PERMANENT, Reason.INVALID, detail="the content is a template of another provider, which SMTP cannot send"
)
_LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section providers.smtp of faust.yml."""

    host: str
    port: Annotated[int, Meta(ge=1, le=65535)]
    security: Literal["starttls", "tls", "none"]
    username: str
    password: str
    max_connections: Annotated[int, Meta(ge=1)]
    from_email: str
    from_name: str


def _check_sender(address: str) -> str:
    sender = normalize_email(address)
    return f"must be an e-mail address, without a name: {sender.problem}" if isinstance(sender, InvalidAddress) else ""


SETTING_CHECKS = {
    "host": expect_match(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45}", "a host name or an IP address"),
    "username": expect_match("[ -~]*", "printable ASCII without line breaks"),
    "password": expect_match("[ -~]*", "printable ASCII without line breaks"),
    "from_email": _check_sender,
    "from_name": check_line,
}


class Smtp:
    """A mail server with an account. Raises ValueError for a sender that is no address."""

    name = "smtp"
    channel: ChannelName = "email"

    def __init__(self, server: SmtpServer, sender_address: str, sender_name: str = "") -> None:
        sender = normalize_email(sender_address)
        if isinstance(sender, InvalidAddress):
            raise ValueError(f"the sender: {sender.problem}")
        self._sender, self._sender_name, self._domain = sender, sender_name, sender.rpartition("@")[2]
        self._server = replace(server, client_name=server.client_name or self._domain)

    def build_client(self, limits: HttpLimits) -> SmtpConnectionPool:
        """The client that sends the requests."""
        return SmtpConnectionPool(self._server, limits.connect_timeout, limits.request_timeout, limits.idle_timeout)

    def get_account(self, delivery: Delivery) -> str:
        """The server: all messages count towards one account."""
        return self._server.account

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> SmtpRequest | AttemptResult:
        """The message with its envelope."""
        content = delivery.content
        if not isinstance(content, EmailContent):
            return INVALID_CONTENT
        if content.template_id:
            return PROVIDER_TEMPLATE
        if normalize_email(delivery.address) != delivery.address:
            return INVALID_ADDRESS
        cc, bcc = _list_copies(content, delivery.address)
        headers = {"To": delivery.address, **({"Cc": ", ".join(cc)} if cc else {}), **_build_headers(content)}
        message_id = f"{delivery.id}.{delivery.redrive_count}.{attempt}@{self._domain}"
        message = build_message(content, headers, self._sender_name, self._sender, now, message_id)
        return SmtpRequest(self._sender, (delivery.address, *cc, *bcc), message, message_id)

    def allow_address(self, host: str, address: str) -> bool:
        """All: the host is that of the settings."""
        return True

    def parse_result(self, result: SmtpResult, now: float) -> AttemptResult:
        """A reply by the tables; without one the message may have been taken, if it was sent."""
        return classify(result) if isinstance(result, SmtpReply) else parse_no_response(result)


def build_provider(settings: Settings) -> Smtp:
    """The provider with these settings. Raises SettingError."""
    check_settings(settings, SETTING_CHECKS)
    if settings.username and settings.security == "none" and settings.host not in _LOOPBACK_HOSTS:
        raise SettingError("security", "must be starttls or tls: the password would be readable on the way")
    server = SmtpServer(
        settings.host, settings.port, settings.security, settings.username, settings.password, max_connections=settings.max_connections
    )
    return Smtp(server, settings.from_email, settings.from_name)


def _list_copies(content: EmailContent, address: str) -> tuple[list[str], list[str]]:
    """The addresses of cc and bcc, without those that get the message already."""
    seen: set[str] = {build_comparison_key("email", address)}
    found: tuple[list[str], list[str]] = ([], [])
    if content.options:
        for texts, kept in zip((content.options.cc, content.options.bcc), found, strict=True):
            for text in texts:
                if (key := build_comparison_key("email", text)) not in seen:
                    seen.add(key)
                    kept.append(text)
    return found


def _build_headers(content: EmailContent) -> dict[str, str]:
    headers = dict(content.options.headers) if content.options else {}
    if content.options and content.options.reply_to:
        headers["Reply-To"] = content.options.reply_to
    if content.list_unsubscribe:  # RFC 8058, 3.1; the mail server has to sign both with DKIM
        headers["List-Unsubscribe"] = content.list_unsubscribe.replace(", <", ",\r\n <")
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
