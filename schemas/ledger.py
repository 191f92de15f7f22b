"""The ledger: accepted = final + in flight, by count, of notifications and of their deliveries; pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec import Struct

from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX

MAX_IDS: Final = 100
OVERDUE_AFTER: Final = 3600.0
"""Seconds after which what had to end counts as unaccounted: the recorder may be behind, and workers may have stood still."""


class LedgerRow(NamedTuple):
    """A count of the ledger: of what kind, its state or status, the part, and ids of what is unaccounted, 32 hex digits each."""

    kind: str
    name: str
    part: str
    amount: int
    ids: list[str]


class Balance(Struct, frozen=True):
    """What was accepted, of that what is final and what is in flight, by state or status, and what is neither; that must be 0."""

    accepted: int
    final: dict[str, int]
    in_flight: dict[str, int]
    imbalance: int


class Ledger(Struct, frozen=True):
    """The balances, and ids of what is unaccounted, at most MAX_IDS of each kind."""

    notifications: Balance
    deliveries: Balance
    unaccounted: list[str]


def build_ledger(rows: Iterable[LedgerRow]) -> Ledger:
    """The ledger with these counts."""
    listed = [*rows]
    prefixes = {"notification": NOTIFICATION_PREFIX, "delivery": DELIVERY_PREFIX}
    ids = [f"{prefixes[row.kind]}{one}" for row in listed for one in row.ids]
    of_kind = [[row for row in listed if row.kind == kind] for kind in prefixes]
    return Ledger(_build_balance(of_kind[0]), _build_balance(of_kind[1]), ids)


def _build_balance(rows: list[LedgerRow]) -> Balance:
    final = {row.name: row.amount for row in rows if row.part == "final"}
    in_flight = {row.name: row.amount for row in rows if row.part == "in_flight"}
    accepted = sum(row.amount for row in rows)
    return Balance(accepted, final, in_flight, accepted - sum(final.values()) - sum(in_flight.values()))
