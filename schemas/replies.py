"""What Redis remembers for the gateway: answers to Idempotency-Keys, and what was accepted a moment ago."""

from typing import NamedTuple

from schemas.words import Lane


class Fresh(NamedTuple):
    """A notification accepted a moment ago, which history may not know yet."""

    id: str
    lane: Lane


class Reply(NamedTuple):
    """An answer to a submission: HTTP status, JSON body, and whether a repeated request gets the same."""

    status: int
    body: bytes
    keep: bool = True


class Started(NamedTuple):
    """This is the first request with its key, or nobody can know; `token` ends it."""

    token: str


class Running(NamedTuple):
    """The first request with this key has no answer yet."""


class Other(NamedTuple):
    """The key belongs to another request."""


Begun = Started | Running | Other | Reply
