"""The id of a request, which its response, its log line and its problem document have: the client's X-Request-Id, else a new one."""

import os
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from app.api.problems import ProblemDetails
from app.api.services.random_id_bits import RandomIdBits

HEADER: Final = b"x-request-id"
MAX_CHARACTERS: Final = 128

_is_well_formed = re.compile(rb"[A-Za-z0-9._-]{1,128}").fullmatch
_generate_bits = RandomIdBits(os.urandom)


def make_request_id() -> bytes:
    """A new id: 74 random bits in hex."""
    return b"%019x" % _generate_bits()


def find_request_id(headers: Iterable[tuple[bytes, bytes]], make_id: Callable[[], bytes] = make_request_id) -> bytes:
    """The client's id if it is well formed, so that it can be logged and searched for as it is; else a new one."""
    value = dict(headers).get(HEADER)
    return value if value is not None and _is_well_formed(value) else make_id()


def get_request_id(scope: Any) -> str:
    """The id of the request of this ASGI scope; empty outside the gateway's middleware."""
    return bytes(scope.get("request_id", b"")).decode()


def encode_problem(problem: ProblemDetails, scope: Any) -> bytes:
    """The JSON of a problem document with the id of its request."""
    return msgspec.json.encode(msgspec.structs.replace(problem, request_id=get_request_id(scope)))
