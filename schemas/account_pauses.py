"""Accounts of providers that an operator has paused: their deliveries wait until the account is resumed, or until the pause ends."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.timestamps import Timestamp

AccountName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=300,
        description="a section of `providers`, as `sendgrid`, or a webhook host, as `https://shop.example.org`",
    ),
]
PauseReason = Annotated[str, Meta(min_length=1, max_length=1000, description="why, for the audit log and whoever looks")]


class PauseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which account is paused and why; `ends_at`, null for never, is when it is resumed by itself."""

    account: AccountName
    reason: PauseReason
    ends_at: Timestamp | None = None


class ResumeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which account is resumed, and why, for the audit log."""

    account: AccountName
    reason: Annotated[str, Meta(max_length=1000)] = ""


class AccountPause(Struct, frozen=True):
    """A pause of an account or webhook host (`https://shop.example.org:443`); times in epoch seconds, `ends_at` is null for never."""

    account: str
    reason: str
    paused_by: str
    paused_at: float
    ends_at: float | None = None
