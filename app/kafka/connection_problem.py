"""Why no broker accepts a connection: aiokafka's clients only report that they cannot connect."""

import asyncio
import os
import ssl

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from app.kafka.client_options import ClientOptions
from app.kafka.oauth_token import TokenError

CONNECT_TIMEOUT_MS = 5000
CLOSE_TIMEOUT = 1.0  # seconds
HOSTNAME_MISMATCHES = (62, 64)  # OpenSSL, X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH
CERTIFICATE_EXPIRED = 10  # OpenSSL, X509_V_ERR_CERT_HAS_EXPIRED
RIGHTS_ADVICE = "let this process connect as the user of its role, or run `herold topics acls --apply` as an administrator"
SASL_ERRORS = (IllegalSaslStateError, UnsupportedSaslMechanismError)
CLOSED_ERRORS = (KafkaConnectionError, ConnectionResetError, BrokenPipeError, asyncio.IncompleteReadError)


async def describe_connection_problem(options: ClientOptions, error: BaseException) -> str:
    """The problem of the broker, or of each broker, with what to do; if one accepts a connection by now, the error of the client itself."""
    if isinstance(error, TopicAuthorizationFailedError):
        topics = ", ".join(sorted(error.args[0])) if error.args and isinstance(error.args[0], set | frozenset | list | tuple) else error
        return f"the user of kafka.security has no right to {topics}: {RIGHTS_ADVICE}"
    if not isinstance(error, (KafkaConnectionError, OSError)):  # TimeoutError is an OSError
        return repr(error)
    hosts = collect_hosts(options["bootstrap_servers"], randomize=False)
    problems = await asyncio.gather(*(_find_broker_problem(host, port, options) for host, port, _ in hosts))
    if not all(problems):
        return repr(error)
    if len(hosts) == 1:
        return problems[0]
    return "; ".join(f"{host}:{port}: {problem}" for (host, port, _), problem in zip(hosts, problems, strict=True))


async def _find_broker_problem(host: str, port: int, options: ClientOptions) -> str:
    security = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    connection = AIOKafkaConnection(host, port, request_timeout_ms=CONNECT_TIMEOUT_MS, **security)
    problem = ""
    try:
        await connection.connect()
    except OSError as error:
        return describe_error(error, options)
    except KafkaError as error:
        problem = describe_error(error, options)
    # a broker delays the end of a connection whose authentication has failed; a loop that ended before would leave the socket open
    await asyncio.wait([connection.close()], timeout=CLOSE_TIMEOUT)
    return problem


def describe_error(error: BaseException, options: ClientOptions) -> str:
    """An error of a connection in a sentence, with the keys of faust.yml to check."""
    cause = error.__cause__ if isinstance(error, KafkaConnectionError) and isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLError):
        return _describe_tls_error(cause)
    if isinstance(cause, SaslAuthenticationFailed):
        keys = "token" if options.get("sasl_mechanism") == "OAUTHBEARER" else "username and password"
        return f"authentication failed: the broker does not accept the {keys} of kafka.security"
    if isinstance(cause, SASL_ERRORS):
        return f"{cause}: check kafka.security.protocol and kafka.security.sasl_mechanism"
    if isinstance(cause, TokenError):
        return str(cause).partition(": ")[2]
    if isinstance(cause, CLOSED_ERRORS):
        return f"the broker closed the connection: check whether its listener has kafka.security.protocol {options['security_protocol']}"
    if isinstance(cause, TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT_MS / 1000:.0f} s"
    if isinstance(cause, OSError) and cause.errno and cause.errno > 0:  # asyncio's text has the address instead of the reason
        return os.strerror(cause.errno)
    return str(cause) or type(cause).__name__


def _describe_tls_error(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in HOSTNAME_MISMATCHES:
            advice = "use a name of the certificate in kafka.bootstrap_servers, or set kafka.security.check_hostname to false"
        elif error.verify_code == CERTIFICATE_EXPIRED:
            advice = "renew it, and check the clock of this host"
        else:
            advice = "set kafka.security.ca_file to the certificates of its authority"
        return f"the certificate of the broker is not accepted ({error.verify_message}): {advice}"
    reason = getattr(error, "reason", None) or str(error)
    if "CERTIFICATE" in reason:
        return f"the broker does not accept the client certificate ({reason}): check kafka.security.certificate_file and key_file"
    return f"TLS failed ({reason}): check whether its listener has TLS, as kafka.security.protocol says"
