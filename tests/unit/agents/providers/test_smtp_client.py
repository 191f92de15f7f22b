"""The SMTP client on a real server: what each end of a transaction means, and when connections are used again."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from agents.providers.smtp_client import SmtpConnectionPool, SmtpServer
from schemas.http import MaybeSent, NotSent
from schemas.smtp import SmtpReply, SmtpRequest, SmtpResult
from tests.contracts.http.certificates import build_loopback_contexts
from tests.smtp_server import CLOSE, SILENCE, MailServer, open_mail_server

MESSAGE = b"Subject: x\r\n\r\nHello\r\n.\r\n..two\r\n"
REQUEST = SmtpRequest("shop@example.org", ("ada@example.org",), MESSAGE, "1@example.org")


class Contexts(NamedTuple):
    server: ssl.SSLContext
    client: ssl.SSLContext


class Harness:
    """A client of a mail server."""

    def __init__(self, server: MailServer, request_timeout: float = 20.0, **fields: Any) -> None:
        self.server = server
        account = SmtpServer("localhost", server.port, **{"security": "none", "client_name": "herold.example.org", **fields})
        self.client = SmtpConnectionPool(account, 20.0, request_timeout, 60.0)

    async def send(self, request: SmtpRequest = REQUEST) -> SmtpResult:
        result: asyncio.Future[SmtpResult] = asyncio.get_running_loop().create_future()
        self.client.send(request, result.set_result)
        return await result


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with open_mail_server() as server:
        yield server


@pytest.fixture
async def harness(server: MailServer) -> AsyncIterator[Harness]:
    harness = Harness(server)
    yield harness
    await harness.client.close()


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    return Contexts(*build_loopback_contexts(tmp_path_factory.mktemp("tls")))


async def test_a_message_arrives_as_it_was_built(harness: Harness) -> None:
    assert await harness.send() == SmtpReply("data", 250, "2.0.0", "1@example.org")
    (message,) = harness.server.messages
    assert (message.sender, message.recipients) == ("shop@example.org", ["ada@example.org"])
    assert message.data == MESSAGE, "a line with a dot does not end it"


async def test_a_connection_is_used_again(harness: Harness) -> None:
    for _ in range(3):
        assert isinstance(await harness.send(), SmtpReply)
    assert (harness.server.connections, len(harness.server.messages)) == (1, 3)
    assert harness.server.commands.count("EHLO") == 1


async def test_messages_at_once_have_a_connection_each_up_to_the_limit(server: MailServer) -> None:
    harness = Harness(server, max_connections=3)
    results = await asyncio.gather(*(harness.send() for _ in range(20)))
    assert {type(result) for result in results} == {SmtpReply}
    assert len(server.messages) == 20
    assert server.max_open_connections <= 3
    await harness.client.close()


async def test_a_connection_that_the_server_closed_while_it_was_idle_is_replaced(harness: Harness) -> None:
    await harness.send()
    harness.server.replies["MAIL"] = [CLOSE]
    assert await harness.send() == SmtpReply("data", 250, "2.0.0", "1@example.org")
    assert (harness.server.connections, len(harness.server.messages)) == (2, 2)


async def test_a_copy_that_is_rejected_does_not_keep_the_message_from_its_recipient(harness: Harness) -> None:
    harness.server.replies["RCPT"] = ["250 Ok", "550 5.1.1 No such user", "250 Ok"]
    copies = SmtpRequest("shop@example.org", ("ada@example.org", "no@example.org", "c@example.org"), MESSAGE, "1@example.org")
    assert isinstance(await harness.send(copies), SmtpReply)
    assert harness.server.messages[0].recipients == ["ada@example.org", "c@example.org"]


@pytest.mark.parametrize(
    ("command", "reply", "result"),
    [
        ("connect", "554 No SMTP service here", SmtpReply("connect", 554)),
        ("connect", "421 4.3.2 Not now", SmtpReply("connect", 421, "4.3.2")),
        ("MAIL", "553 5.1.8 Sender not allowed", SmtpReply("mail", 553, "5.1.8")),
        ("RCPT", "550 5.1.1 No such user", SmtpReply("rcpt", 550, "5.1.1")),
        ("RCPT", "450 greylisted", SmtpReply("rcpt", 450)),
        ("DATA", "451 4.3.0 Local error", SmtpReply("data", 451, "4.3.0")),
        (".", "554 5.7.1 Spam", SmtpReply("data", 554, "5.7.1")),
        (".", "421 4.7.0 Too many messages", SmtpReply("data", 421, "4.7.0")),
        (".", "550 5.7.1.2 is no code", SmtpReply("data", 550)),
    ],
)
async def test_a_rejection_is_a_reply(harness: Harness, command: str, reply: str, result: SmtpReply) -> None:
    harness.server.replies[command] = [reply]
    assert await harness.send() == result
    assert harness.server.messages == []
    assert isinstance(await harness.send(), SmtpReply), "the next message goes on, over this connection or another one"
    assert len(harness.server.messages) == 1


async def test_after_a_rejection_the_connection_is_used_again(harness: Harness) -> None:
    harness.server.replies["RCPT"] = ["550 5.1.1 No such user"]
    await harness.send()
    await harness.send()
    assert (harness.server.connections, harness.server.commands.count("RSET")) == (1, 1)


@pytest.mark.parametrize(("command", "expected"), [("connect", NotSent), ("MAIL", NotSent), ("RCPT", NotSent), (".", MaybeSent)])
async def test_a_connection_that_breaks_may_have_sent_the_message_only_after_its_text(
    harness: Harness, command: str, expected: type
) -> None:
    harness.server.replies[command] = CLOSE
    assert isinstance(await harness.send(), expected)


@pytest.mark.parametrize(("command", "expected"), [("RCPT", NotSent), (".", MaybeSent)])
async def test_a_server_that_does_not_answer_is_given_up(server: MailServer, command: str, expected: type) -> None:
    server.replies[command] = SILENCE
    harness = Harness(server, request_timeout=0.2)
    assert isinstance(await harness.send(), expected)
    await harness.client.close()


@pytest.mark.parametrize(("command", "expected"), [("RCPT", NotSent), (".", MaybeSent)])
async def test_a_stop_has_a_result_for_each_message(harness: Harness, command: str, expected: type) -> None:
    harness.server.replies[command] = SILENCE
    harness.server.answered.clear()
    sending = asyncio.create_task(harness.send())
    while command not in ("RCPT", ".") or {"RCPT": "RCPT", ".": "DATA"}[command] not in harness.server.commands:
        await harness.server.answered.wait()
        harness.server.answered.clear()
    if command == ".":
        await harness.server.answered.wait()  # the text has arrived
    await harness.client.close()
    assert isinstance(await sending, expected)
    assert await harness.send() == NotSent("the client is closed")


async def test_no_server_is_not_sent(harness: Harness) -> None:
    assert isinstance(await Harness(MailServer(port=1)).send(), NotSent)


@pytest.mark.parametrize("reply", ["hello", "999 x", "25", "250-unfinished\r\n350 x"])
async def test_a_reply_that_is_not_smtp_is_no_acceptance(harness: Harness, reply: str) -> None:
    harness.server.replies["."] = reply
    result = await harness.send()
    assert isinstance(result, MaybeSent) or (isinstance(result, SmtpReply) and result.code != 250)


@pytest.mark.parametrize(("security", "is_tls"), [("starttls", False), ("tls", True)])
async def test_the_password_goes_over_an_encrypted_connection(contexts: Contexts, security: str, is_tls: bool) -> None:
    server = MailServer(tls=contexts.server, users={"herold": "secret"})
    async with open_mail_server(server, is_tls=is_tls):
        harness = Harness(server, security=security, tls=contexts.client, username="herold", password="secret")
        assert isinstance(await harness.send(), SmtpReply)
        assert server.messages[0].is_encrypted
        await harness.client.close()


async def test_a_wrong_password_is_a_reply(contexts: Contexts) -> None:
    server = MailServer(tls=contexts.server, users={"herold": "secret"})
    async with open_mail_server(server):
        harness = Harness(server, security="starttls", tls=contexts.client, username="herold", password="wrong")
        assert await harness.send() == SmtpReply("auth", 535, "5.7.8")
        without = Harness(server, security="starttls", tls=contexts.client)
        assert await without.send() == SmtpReply("mail", 530, "5.7.0")
        await without.client.close()


async def test_a_server_without_starttls_or_authentication_gets_no_password(server: MailServer) -> None:
    assert await Harness(server, security="starttls", username="herold", password="secret").send() == SmtpReply("starttls", 502)
    assert await Harness(server, username="herold", password="secret").send() == SmtpReply("auth", 534)
    assert "AUTH" not in server.commands


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_certificate_that_is_not_trusted_is_named(contexts: Contexts, is_tls: bool) -> None:
    server = MailServer(tls=contexts.server, users={"herold": "secret"})
    async with open_mail_server(server, is_tls=is_tls):
        harness = Harness(
            server, security="tls" if is_tls else "starttls", tls=ssl.create_default_context(), username="herold", password="secret"
        )
        result = await harness.send()
        assert isinstance(result, NotSent)
        assert "certificate" in result.cause
        assert "AUTH" not in server.commands


def test_the_password_is_in_no_representation() -> None:
    assert "secret" not in repr(SmtpServer("h", 25, "none", "u", "secret"))
