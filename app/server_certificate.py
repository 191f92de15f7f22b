"""The certificate of a TLS server, which is read again when its files change: a renewed one is used without a restart."""

import logging
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from app.telemetry import log_event
from app.tls_files import load_certificate
from schemas.errors import SettingError

MinVersion = Literal["1.2", "1.3"]
VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

RELOAD_INTERVAL: Final = 1.0  # seconds

FileState = tuple[tuple[int, int, int], ...]


class ServerCertificate:
    """A context for servers. `key` is the setting with the certificate's file, as `gateway.tls_certificate_file`."""

    def __init__(self, key: str, certificate_file: str, key_file: str, key_password: str, min_version: MinVersion = "1.2") -> None:
        """Read the files. Raises SettingError."""
        self._key, self._files, self._password, self._version = key, (certificate_file, key_file), key_password, VERSIONS[min_version]
        self._state = self._read_state()
        self._current = self._build_context()
        self.context = self._build_context()  # of the listening socket; each handshake gets the current one
        self.context.sni_callback = self._select_context

    def reload_if_changed(self) -> bool:
        """Whether the files have changed and are used from now on; what cannot be used is logged once, and the previous pair stays."""
        state = self._read_state()
        if state == self._state:
            return False
        self._state = state
        try:
            self._current = self._build_context()
        except SettingError as error:
            log_event("tls.certificate_rejected", logging.ERROR, cause=str(error))
            return False
        log_event("tls.certificate_reloaded", setting=self._key)
        return True

    def _select_context(self, connection: ssl.SSLObject | ssl.SSLSocket, server_name: str | None, context: ssl.SSLContext) -> None:
        """OpenSSL calls this in every handshake, also without a server name."""
        connection.context = self._current

    def _build_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self._version
        load_certificate(context, self._key, *self._files, self._password)
        return context

    def _read_state(self) -> FileState:
        """What differs after a renewal, also behind a symbolic link; nothing of a file that cannot be read."""
        state = []
        for file in filter(None, self._files):
            try:
                status = os.stat(file)
            except OSError:
                state.append((0, 0, 0))
            else:
                state.append((status.st_mtime_ns, status.st_ino, status.st_size))
        return tuple(state)


async def reload_forever(certificate: ServerCertificate, sleep: Callable[[float], Awaitable[object]]) -> None:
    """Look for changed files once a second until cancelled."""
    while True:
        await sleep(RELOAD_INTERVAL)
        certificate.reload_if_changed()
