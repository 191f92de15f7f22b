"""From where the request comes in which something is changed: what the entries of the audit log and of consent note beside the actor.

It is a context variable, so that no store that writes an entry can forget it. A change without a request, such as a worker's, has none.
"""

from collections.abc import Callable
from contextvars import ContextVar

from msgspec import Struct


class RequestOrigin(Struct, frozen=True):
    """Who was authenticated (`account:` or `key:` and an id), the client's IP address, a hash of its User-Agent, and the request's id."""

    principal: str = ""
    client_address: str = ""
    user_agent_hash: str = ""
    request_id: str = ""


NO_REQUEST = RequestOrigin()

_read_origin: ContextVar[Callable[[], RequestOrigin]] = ContextVar("read_origin", default=lambda: NO_REQUEST)


def set_request_origin(read: Callable[[], RequestOrigin]) -> None:
    """Let this call give the origin of the request at hand; it is made only when an entry is written."""
    _read_origin.set(read)


def get_request_origin() -> RequestOrigin:
    """The origin of the request at hand; an empty one outside of requests."""
    return _read_origin.get()()
