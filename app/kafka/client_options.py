"""How every client of Herold connects to Kafka: aiokafka's keyword arguments from the section `kafka` of faust.yml."""

import os
import shlex
import shutil
import ssl
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from app.connection_settings import KafkaSection, KafkaSecuritySection
from app.kafka.oauth_token import CachedToken, OAuthTokenProvider, patch_oauth_authenticator, read_token_file, run_token_command
from app.secret_files import read_secret_file
from app.tls_files import build_client_context
from schemas.errors import SettingError

ClientOptions = Mapping[str, Any]

TLS_KEYS = ("ca_file", "certificate_file", "key_file", "key_password")
PASSWORD_KEYS = ("username", "password")
TOKEN_KEYS = ("token_file", "token_command")


def build_client_options(kafka: KafkaSection) -> ClientOptions:
    """The addresses of the brokers and the security options. Raises SettingError, which names the key and never shows a secret."""
    return {"bootstrap_servers": kafka.bootstrap_servers, **build_security_options(kafka.security)}


def build_security_options(security: KafkaSecuritySection) -> ClientOptions:
    """Protocol, TLS and credentials; files are read and checked. Raises SettingError, which names the key and never shows a secret."""
    _reject_unused_keys(security)
    options: dict[str, Any] = {"security_protocol": security.protocol}
    if _uses_tls(security):
        options["ssl_context"] = _build_ssl_context(security)
    if not _uses_sasl(security):
        return options
    options["sasl_mechanism"] = security.sasl_mechanism
    if security.sasl_mechanism == "OAUTHBEARER":
        patch_oauth_authenticator()
        return {**options, "sasl_oauth_token_provider": _build_token_provider(security)}
    if not security.username:
        raise _build_error("username", f"is empty: {security.sasl_mechanism} needs it")
    if not security.password:
        raise _build_error("password", "is empty: set it or password_file")
    return {**options, "sasl_plain_username": security.username, "sasl_plain_password": security.password}


def _uses_tls(security: KafkaSecuritySection) -> bool:
    return security.protocol in ("SSL", "SASL_SSL")


def _uses_sasl(security: KafkaSecuritySection) -> bool:
    return security.protocol in ("SASL_PLAINTEXT", "SASL_SSL")


def _reject_unused_keys(security: KafkaSecuritySection) -> None:
    """Raise SettingError for a key that has no effect: who sets a password or a CA expects it to be used."""
    used_keys: tuple[str, ...] = TLS_KEYS if _uses_tls(security) else ()
    if _uses_sasl(security):
        used_keys += TOKEN_KEYS if security.sasl_mechanism == "OAUTHBEARER" else PASSWORD_KEYS
    context = f"protocol {security.protocol}" + (f" and mechanism {security.sasl_mechanism}" if _uses_sasl(security) else "")
    for key in (*TLS_KEYS, *PASSWORD_KEYS, *TOKEN_KEYS):
        if getattr(security, key) and key not in used_keys:
            raise _build_error(key, f"has no effect with {context}: correct kafka.security.protocol or sasl_mechanism, or remove the key")


def _build_ssl_context(security: KafkaSecuritySection) -> ssl.SSLContext:
    context = build_client_context("kafka.security", security.ca_file, security.certificate_file, security.key_file, security.key_password)
    context.check_hostname = security.check_hostname
    return context


def _build_token_provider(security: KafkaSecuritySection) -> OAuthTokenProvider:
    if bool(security.token_file) == bool(security.token_command):
        problem = "is set besides kafka.security.token_command: set one" if security.token_file else "is empty: set it or token_command"
        raise _build_error("token_file", problem)
    if security.token_file:
        read_secret_file("kafka.security.token_file", security.token_file)
        return OAuthTokenProvider(partial(read_token_file, Path(security.token_file)))
    argv = _split_command(security.token_command)
    return OAuthTokenProvider(CachedToken(partial(run_token_command, argv), time.time).get)


def _split_command(command: str) -> list[str]:
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise _build_error("token_command", f"cannot be split into arguments: {error}") from None
    if not argv or shutil.which(argv[0], os.X_OK) is None:
        raise _build_error("token_command", "does not begin with a program that can be run")
    return argv


def _build_error(key: str, problem: str) -> SettingError:
    return SettingError(f"kafka.security.{key}", problem)
