"""Says in words why there is no connection, or no longer one."""

import os
import socket
import ssl


def describe_connection_error(error: OSError | UnicodeError) -> str:
    """The cause in words of the system or of TLS, without the address, which the text of some errors repeats."""
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or error}"
    if isinstance(error, socket.gaierror):
        return f"the host name is not found: {error.strerror}"
    if isinstance(error, UnicodeError):
        return "the host name is not valid"
    return os.strerror(error.errno).lower() if error.errno else str(error) or "the connection was closed"
