"""The hash chains of the audit log and of the events of consent; pure. docs/consent_proof.py verifies the same without Herold.

    person = SHA-256(salt | encode(personal columns))
    digest = SHA-256(encode(other columns, person as hex digits))
    hash   = SHA-256(hash of the entry before | number as 8 bytes | digest)

The first number is 1, and the hash before it is 32 zero bytes. `encode` writes each text as a netstring: its length in bytes, a colon, its
UTF-8, a comma (https://cr.yp.to/proto/netstrings.txt), so that no two lists have the same encoding. After the erasure of a user, salt and
personal columns are gone, and `person` is still what it was; of an entry that was erased before it was linked it is 32 zero bytes.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Literal, NamedTuple, get_args

from schemas.users import AUDIT_ENTRY_PREFIX, CONSENT_EVENT_PREFIX

LogName = Literal["audit", "consent"]
LOG_NAMES: tuple[LogName, ...] = get_args(LogName)
ENTRY_PREFIXES: dict[LogName, str] = {"audit": AUDIT_ENTRY_PREFIX, "consent": CONSENT_EVENT_PREFIX}
FIRST_HASH: Final = bytes(32)
NOBODY: Final = bytes(32)


class LogEntry(NamedTuple):
    """An entry as it is hashed; `salt` is None after the erasure of the user that it is about."""

    entry_id: str
    fields: Sequence[str]
    personal: Sequence[str]
    salt: bytes | None


class Link(NamedTuple):
    """The place of an entry in its chain: `entry_id` as 32 hex digits; `hash` covers everything before, too."""

    number: int
    entry_id: str
    person: bytes
    hash: bytes


class ChainHead(NamedTuple):
    """The number of the last entry of a chain, and its hash."""

    number: int
    hash: bytes


EMPTY_CHAIN = ChainHead(0, FIRST_HASH)


def encode_texts(texts: Sequence[str]) -> bytes:
    """The texts as netstrings."""
    return b"".join(b"%d:%b," % (len(raw), raw) for raw in (text.encode() for text in texts))


def compute_person(salt: bytes, personal: Sequence[str]) -> bytes:
    """What stands for the personal columns of an entry in its hash: without the salt, nobody can guess them."""
    return sha256(salt + encode_texts(personal)).digest()


def compute_digest(fields: Sequence[str], person: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(encode_texts([*fields, person.hex()])).digest()


def compute_hash(before: bytes, number: int, digest: bytes) -> bytes:
    """The hash of a chain up to an entry."""
    return sha256(before + number.to_bytes(8, "big") + digest).digest()


def extend_chain(head: ChainHead, entries: Sequence[LogEntry]) -> list[Link]:
    """The links of entries that follow the head, in this order."""
    links, number, last_hash = [], head.number, head.hash
    for entry in entries:
        person, number = NOBODY if entry.salt is None else compute_person(entry.salt, entry.personal), number + 1
        last_hash = compute_hash(last_hash, number, compute_digest(entry.fields, person))
        links.append(Link(number, entry.entry_id, person, last_hash))
    return links


def find_break(log: LogName, head: ChainHead, link: Link, entry: LogEntry | None) -> str:
    """What is wrong with the link that follows a head, and with its entry; empty if nothing is."""
    name = f"entry {head.number + 1} of the {log} log"
    if link.number != head.number + 1:
        return f"{name} is missing: after {head.number} comes {link.number}"
    name = f"{name}, {ENTRY_PREFIXES[log]}{link.entry_id},"
    if entry is None:
        return f"{name} was removed"
    if entry.salt is not None and compute_person(entry.salt, entry.personal) != link.person:
        return f"{name} was changed"
    if compute_hash(head.hash, link.number, compute_digest(entry.fields, link.person)) != link.hash:
        return f"{name} was changed, or is not the one that was linked here"
    return ""
