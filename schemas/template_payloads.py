"""What a version of a template makes of recorded data: failures, and changes of size, SMS segments and cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from schemas.channels import ChannelName


class RecordedPayload(Struct, frozen=True):
    """The data of a recorded notification, the channels that it or its rule names, and the locale and time zone of its user."""

    id: str
    user_id: str
    data: Mapping[str, Any]
    channels: Sequence[ChannelName]
    locale: str = ""
    time_zone: str = ""


class PayloadFailure(Struct, frozen=True):
    """Why a version cannot be rendered on a channel and in a locale, with how many recorded notifications, and the ids of some of them.

    Who may not read notifications gets no ids.
    """

    channel: ChannelName
    locale: str
    reason: str
    problem: str
    count: int
    ids: list[str]

    def describe(self) -> str:
        """The failure as a text."""
        if not self.ids:
            return f"{self.channel} {self.locale}: {self.problem}, with {self.count}"
        others = f" and {self.count - len(self.ids)} more" if self.count > len(self.ids) else ""
        return f"{self.channel} {self.locale}: {self.problem}, with {', '.join(self.ids)}{others}"


class ChannelUsage(Struct, frozen=True):
    """What the messages of a channel take with the published version and with the new one: bytes, SMS segments, and cost.

    Only messages count that both versions render, each on every channel that it or its rule names. The cost is in the
    currency of the setting `costs`, and 0 if it is not set.
    """

    channel: ChannelName
    messages: int
    size_before: int = 0
    size_after: int = 0
    segments_before: int = 0
    segments_after: int = 0
    cost_before: float = 0.0
    cost_after: float = 0.0


class PayloadReport(Struct, frozen=True):
    """What a version makes of the newest recorded notifications of its template.

    `failures` are those that the published version does not have, a few for many; `failed` counts their notifications, and
    `failed_before` those that fail with both versions. `problem` says why nothing was compared.
    """

    payloads: int
    failed: int = 0
    failed_before: int = 0
    failures: list[PayloadFailure] = []
    usage: list[ChannelUsage] = []
    problem: str = ""

    def describe_failures(self) -> list[str]:
        """The new failures as texts, with their number."""
        if not self.failed:
            return []
        summary = f"{self.failed} of {self.payloads} recorded notifications fail with this version only"
        return [summary, *(one.describe() for one in self.failures)]
