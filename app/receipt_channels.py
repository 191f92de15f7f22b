"""Which channels have receipts: those of which an account is told to report, by its settings."""

from collections.abc import Mapping
from typing import Any

from schemas.channels import ChannelName

_KEYS = {"sendgrid": "webhook_public_key", "twilio": "callback_base_url", "fcm": "project_id"}
"""The setting of a provider that its reports need and that is no secret, so that every process can know it; of FCM the app reports, which
needs none. A provider that is not here reports nothing."""


def select_receipt_timeouts(
    timeouts: Mapping[ChannelName, int], providers: Mapping[str, Mapping[str, Any]], accounts: Mapping[ChannelName, str]
) -> dict[ChannelName, int]:
    """The timeouts in seconds; 0 for a channel none of whose accounts reports anything: SENT is final there at once.

    `accounts` are the sections of each channel, `sendgrid=80, sendgrid-backup=20`.
    """
    sections = {channel: [part.partition("=")[0].strip() for part in accounts[channel].split(",")] for channel in timeouts}
    return {
        channel: seconds if any(_has_reports(name, providers.get(name, {})) for name in sections[channel]) else 0
        for channel, seconds in timeouts.items()
    }


def _has_reports(section: str, values: Mapping[str, Any]) -> bool:
    return bool(values.get(_KEYS.get(section.partition("-")[0], ""), ""))
