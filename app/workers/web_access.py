"""Who reaches the web views of a worker: the address that they listen on, their certificate, and what their clients verify."""

import ipaddress
import ssl

from app.server_certificate import ServerCertificate
from app.settings import WorkerSection
from app.tls_files import build_verifying_context
from schemas.errors import SettingError


def build_web_certificate(worker: WorkerSection) -> ServerCertificate | None:
    """The certificate of the web views; None for HTTP. Raises SettingError, also for an address that others reach without a token."""
    if worker.web_port and not (worker.web_token or worker.web_allow_public or is_loopback(worker.web_bind)):
        problem = f"{worker.web_bind} can be reached from other hosts, and worker.web_token is empty: set it, or worker.web_allow_public"
        raise SettingError("worker.web_bind", problem)
    if worker.web_protect_all and not worker.web_token:
        raise SettingError("worker.web_protect_all", "is true, and worker.web_token is empty: nobody could read the views")
    if worker.web_tls_certificate_file:
        files = worker.web_tls_certificate_file, worker.web_tls_key_file
        return ServerCertificate("worker.web_tls_certificate_file", *files, worker.web_tls_key_password)
    for key in ("web_tls_key_file", "web_tls_key_password"):
        if getattr(worker, key):
            raise SettingError(f"worker.{key}", "has no effect without worker.web_tls_certificate_file: set that, or remove the key")
    return None


def build_web_client_context(worker: WorkerSection) -> ssl.SSLContext | bool:
    """What a client of the web views verifies workers with, for aiohttp; True for the authorities of the system. Raises SettingError."""
    return build_verifying_context("worker.web_tls_ca_file", worker.web_tls_ca_file) if worker.web_tls_ca_file else True


def is_loopback(address: str) -> bool:
    """Whether only this host reaches the address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
