"""What passes between the server, the providers and the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from twins.scripts import Script


class Request(NamedTuple):
    """A whole HTTP request; header names in lower case; `oversize` if the body was longer than the server keeps (it is empty then)."""

    method: bytes
    path: bytes
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    oversize: bool = False


class Reply(NamedTuple):
    """An HTTP answer; `headers` are whole lines that end with CRLF."""

    status: int
    body: bytes = b""
    headers: bytes = b""
    content_type: bytes = b"application/json"


class Target(NamedTuple):
    """One delivery that a request asks for; the id is empty if the request names none."""

    delivery: str
    address: str


class Asked(NamedTuple):
    """An acceptable request: whom it is for, what their address scripts, and what the answer needs of it."""

    targets: Sequence[Target]
    script: Script
    details: Any = None


class Refused(NamedTuple):
    """A request that the provider refuses whoever it is for."""

    reply: Reply
    targets: Sequence[Target] = (Target("", ""),)


class Moment(NamedTuple):
    """The time in epoch seconds and as an HTTP date, and a number for the message that no other has, of under 100 bits."""

    now: float
    date: bytes
    number: int


class Provider(Protocol):
    """Speaks one vendor's API; what `read` puts into `details` comes back to it in `reply`, with the script in force now."""

    @property
    def name(self) -> str: ...
    def read(self, request: Request) -> Asked | Refused: ...
    def reply(self, details: Any, script: Script, moment: Moment) -> Reply: ...


class Entry(Struct, frozen=True, gc=False):
    """One line of the ledger: `at` in epoch seconds, `status` 0 if none was decided, `fault` how the answer was spoilt, if it was."""

    seq: int
    at: float
    provider: str
    delivery: str
    address: str
    status: int
    fault: str
