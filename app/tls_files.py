"""TLS contexts from PEM files of settings; an error names the key, as `redis.ca_file`, and shows no content."""

import ssl

from schemas.errors import SettingError


def build_client_context(
    section: str, ca_file: str, certificate_file: str = "", key_file: str = "", key_password: str = ""
) -> ssl.SSLContext:
    """What a client verifies servers with: certificate and host name, TLS 1.2 or later. Without `ca_file` by the authorities of the system.

    Raises SettingError.
    """
    context = build_verifying_context(f"{section}.ca_file", ca_file)
    if certificate_file:
        load_certificate(context, f"{section}.certificate_file", certificate_file, key_file, key_password)
    elif key_file:
        raise SettingError(f"{section}.certificate_file", f"is empty, but {section}.key_file is set")
    return context


def build_verifying_context(key: str, ca_file: str) -> ssl.SSLContext:
    """The same without a client certificate; `key` is that of the setting with the authorities. Raises SettingError."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise SettingError(key, f"{ca_file}: no PEM certificates can be read: {error}") from None


def load_certificate(context: ssl.SSLContext, key: str, certificate_file: str, key_file: str, key_password: str) -> None:
    """Load a certificate with its chain, and its key; `key` is that of the setting with the certificate. Raises SettingError."""
    for name, path in ((key, certificate_file), (key.replace("certificate_file", "key_file"), key_file)):
        _require_readable(name, path)
    try:
        # a password of None would ask for one on the terminal
        context.load_cert_chain(certificate_file, key_file or None, lambda: key_password)
    except (OSError, ValueError) as error:
        problem = f"{certificate_file} and its key_file are not a certificate and its key: {error}"
        raise SettingError(key, problem) from None


def _require_readable(key: str, path: str) -> None:
    if not path:
        return
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise SettingError(key, f"{path} cannot be read: {error.strerror}") from None
