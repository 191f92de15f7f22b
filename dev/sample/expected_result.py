"""Computes the expected result of a notification of the sample from the seeded rules and users and from the simulators' stubs.

It is independent of the router and covers only the cases of the sample; `herold up --sample` compares it with the actual results.
"""

from typing import Any

from schemas.channels import ChannelName
from schemas.enums import Reason
from schemas.policy import Policy
from schemas.profile import Profile

DEFAULT_STATUSES = {"email": "SENT", "sms": "SENT", "push": "SENT", "webhook": "DELIVERED"}

FAILED_RECIPIENT, FAILED_PERMANENT, FAILED_EXHAUSTED = (
    f"FAILED {reason}" for reason in (Reason.REJECTED_RECIPIENT, Reason.REJECTED_PERMANENT, Reason.RETRIES_EXHAUSTED)
)
# final statuses of recipients with a stub (docs/simulators.md), by channel and the beginning of the address
STUB_STATUSES: dict[ChannelName, dict[str, str]] = {
    "email": {"bounce": FAILED_RECIPIENT, "reject": FAILED_PERMANENT, "fail+": FAILED_EXHAUSTED, "unsubscribed": "SENT"},
    "sms": {
        "+15005550001": FAILED_RECIPIENT,
        "+15005550003": f"FAILED {Reason.MISCONFIGURED}",
        "+15005550004": f"UNSUBSCRIBED {Reason.OPTED_OUT}",
        "+15005551200": FAILED_EXHAUSTED,
    },
    "push": {
        "bounce": f"FAILED {Reason.INVALID_TOKEN}",
        "reject": FAILED_PERMANENT,
        "unsubscribed": f"BOUNCED {Reason.UNREGISTERED_TOKEN}",
    },
    "webhook": {"/hooks/bounce": f"FAILED {Reason.ENDPOINT_GONE}", "/hooks/fail/": FAILED_EXHAUSTED},
}


def compute_delivery_statuses(notification: dict[str, Any], policy: Policy, profiles: dict[str, Profile]) -> list[str]:
    """Compute the final statuses of the deliveries, in the order of the channels; empty if the user has no address."""
    return [find_final_status(channel, address) for channel, address in plan_deliveries(notification, policy, profiles)]


def plan_deliveries(notification: dict[str, Any], policy: Policy, profiles: dict[str, Profile]) -> list[tuple[ChannelName, str]]:
    """Plan the deliveries, each a channel and an address, in the order of the channels.

    A rule that escalates goes on to all channels: no delivery of the sample arrives on the ones before.
    """
    rule = policy.rules[notification["type"]]
    channels: list[ChannelName] = notification.get("channels") or list(rule.channels)
    usable = [(channel, addresses) for channel in channels if (addresses := find_addresses(notification, channel, profiles))]
    selected = usable[:1] if rule.strategy == "first" else usable
    return [(channel, address) for channel, addresses in selected for address in addresses]


def find_addresses(notification: dict[str, Any], channel: ChannelName, profiles: dict[str, Profile]) -> list[str]:
    """Find the user's addresses on a channel: those of the notification's `to`, else those of the profile."""
    user_id = notification["user_id"]
    explicit = notification.get("to", {}).get(channel)
    if explicit is not None:
        return [explicit] if isinstance(explicit, str) else list(explicit)
    if user_id.startswith("topic:"):
        return [user_id] if channel == "push" else []
    return profiles[user_id].addresses.get(channel, []) if user_id in profiles else []


def find_final_status(channel: ChannelName, address: str) -> str:
    """Find the final status, with its reason, of a delivery to an address."""
    path = address.removeprefix("{simulators}")
    return next((status for prefix, status in STUB_STATUSES[channel].items() if path.startswith(prefix)), DEFAULT_STATUSES[channel])
