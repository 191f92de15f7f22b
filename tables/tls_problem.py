"""What to do about a failed verification of a server's certificate."""

import ssl
from collections.abc import Iterator
from typing import Final

HOSTNAME_MISMATCHES: Final = (62, 64)  # OpenSSL, X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH
CERTIFICATE_EXPIRED: Final = 10  # OpenSSL, X509_V_ERR_CERT_HAS_EXPIRED


def describe_tls_problem(error: BaseException, section: str) -> str:
    """The problem of a connection with TLS as a sentence with the keys of this section to check; empty if TLS is not the cause."""
    for cause in _list_causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of the server is not accepted ({cause.verify_message}): {_advise(cause.verify_code, section)}"
        if isinstance(cause, ssl.SSLError):
            return (
                f"TLS failed ({cause.reason or cause}): check whether the server has TLS, and {section}.certificate_file if it asks for one"
            )
    return ""


def _advise(code: int, section: str) -> str:
    if code in HOSTNAME_MISMATCHES:
        return f"use a name of the certificate in {section}.url"
    if code == CERTIFICATE_EXPIRED:
        return "renew it, and check the clock of this host"
    return f"set {section}.ca_file to the certificates of its authority"


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
