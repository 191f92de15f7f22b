"""Errors of connections as sentences."""

import asyncio
import socket
import ssl

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError, UnsupportedSaslMechanismError

from app.kafka.connection_problem import describe_connection_problem, describe_error
from app.kafka.oauth_token import TokenError

SASL = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError(), "no answer within 5 s"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "TLS failed"),
        (UnsupportedSaslMechanismError("it has SCRAM-SHA-512"), "check kafka.security.protocol and kafka.security.sasl_mechanism"),
        (TokenError("kafka.security.token_file: /token is empty"), "kafka.security.token_file: /token is empty"),
        (KafkaConnectionError("Connection at b:1 closed"), "whether its listener has kafka.security.protocol SASL_SSL"),
    ],
)
def test_an_error_says_what_to_check(error: Exception, expected: str) -> None:
    assert expected in describe_error(error, SASL)


async def test_each_broker_has_its_problem() -> None:
    options = {"bootstrap_servers": "127.0.0.1:1,127.0.0.1:2", "security_protocol": "PLAINTEXT"}
    problem = await describe_connection_problem(options, KafkaConnectionError("unable to bootstrap"))
    assert problem == "127.0.0.1:1: Connection refused; 127.0.0.1:2: Connection refused"


async def test_another_error_is_kept() -> None:
    assert "3 partitions" in await describe_connection_problem(SASL, KafkaError("3 partitions"))


async def test_a_broker_that_accepts_nothing_is_reported() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        options = {"bootstrap_servers": f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "security_protocol": "PLAINTEXT"}
        assert "the broker closed the connection" in await describe_connection_problem(options, KafkaConnectionError("unable"))


async def test_a_missing_right_names_the_topics_and_what_to_do() -> None:
    error = TopicAuthorizationFailedError({"p-notifications.high", "p-deliveries.email.high"})
    text = await describe_connection_problem({"bootstrap_servers": "127.0.0.1:1"}, error)
    assert text.startswith("the user of kafka.security has no right to p-deliveries.email.high, p-notifications.high: let this process")
    assert "`herold topics acls --apply`" in text
