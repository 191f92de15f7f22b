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
from schemas.errors import SettingError

ClientOptions = Mapping[str, Any]

TLS_KEYS = ("ca_file", "certificate_file", "key_file", "key_password")
PASSWORD_KEYS = ("username", "password", "password_file")
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
    return {**options, "sasl_plain_username": security.username, "sasl_plain_password": _read_password(security)}


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
    try:
        context = ssl.create_default_context(cafile=security.ca_file or None)
    except OSError as error:
        raise _build_error("ca_file", f"{security.ca_file}: no PEM certificates can be read: {error}") from None
    context.check_hostname = security.check_hostname
    if security.certificate_file:
        _load_client_certificate(context, security)
    elif security.key_file:
        raise _build_error("certificate_file", "is empty, but kafka.security.key_file is set")
    return context


def _load_client_certificate(context: ssl.SSLContext, security: KafkaSecuritySection) -> None:
    for key in ("certificate_file", "key_file"):
        if path := getattr(security, key):
            _read_file(key, path)
    try:
        # a password of None would ask for one on the terminal
        context.load_cert_chain(security.certificate_file, security.key_file or None, security.key_password)
    except OSError as error:
        raise _build_error(
            "certificate_file", f"{security.certificate_file} and kafka.security.key_file are not a certificate and its key: {error}"
        ) from None


def _read_password(security: KafkaSecuritySection) -> str:
    if bool(security.password) == bool(security.password_file):
        problem = "is set besides kafka.security.password_file: set one" if security.password else "is empty: set it or password_file"
        raise _build_error("password", problem)
    return security.password or _read_file("password_file", security.password_file)


def _read_file(key: str, path: str) -> str:
    try:
        text = Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise _build_error(key, f"{path} cannot be read: {reason}") from None
    if not text:
        raise _build_error(key, f"{path} is empty")
    return text


def _build_token_provider(security: KafkaSecuritySection) -> OAuthTokenProvider:
    if bool(security.token_file) == bool(security.token_command):
        problem = "is set besides kafka.security.token_command: set one" if security.token_file else "is empty: set it or token_command"
        raise _build_error("token_file", problem)
    if security.token_file:
        _read_file("token_file", security.token_file)
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
