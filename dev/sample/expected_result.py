"""What should become of a notification of the sample, worked out from the seeded rules and users and from what its recipients script.

This is not the router: it knows the sample only, and the loader compares it with what really happened.
"""

from typing import Any

from schemas.enums import Channel, Reason
from schemas.policy import Policy, Profile

DEFAULT_STATUSES = {"email": "SENT", "sms": "SENT", "push": "SENT", "webhook": "DELIVERED"}

# how a recipient that scripts the simulators ends (docs/simulators.md), by channel and the beginning of the address
FAILED_RECIPIENT, FAILED_PERMANENT, FAILED_EXHAUSTED = (
    f"FAILED {r}" for r in (Reason.REJECTED_RECIPIENT, Reason.REJECTED_PERMANENT, Reason.RETRIES_EXHAUSTED)
)
SCRIPTED_STATUSES: dict[Channel, dict[str, str]] = {
    "email": {"bounce": FAILED_RECIPIENT, "reject": FAILED_PERMANENT, "fail+": FAILED_EXHAUSTED, "unsubscribed": "SENT"},
    "sms": {
        "+15005550001": FAILED_RECIPIENT,
        "+15005550003": f"FAILED {Reason.MISCONFIGURED}",
        "+15005550004": f"UNSUBSCRIBED {Reason.OPTED_OUT}",
        "+15005551200": FAILED_EXHAUSTED,
    },
    "push": {"bounce": FAILED_RECIPIENT, "reject": FAILED_PERMANENT, "unsubscribed": f"BOUNCED {Reason.UNREGISTERED_TOKEN}"},
    "webhook": {"/hooks/bounce": f"FAILED {Reason.ENDPOINT_GONE}", "/hooks/fail/": FAILED_EXHAUSTED},
}


def compute_delivery_statuses(notification: dict[str, Any], policy: Policy, profiles: dict[str, Profile]) -> list[str]:
    """The final statuses of its deliveries, in the order of the channels; none if nobody can be reached."""
    rule = policy.rules[notification["type"]]
    channels: list[Channel] = notification.get("channels") or list(rule.channels)
    reachable = [(channel, found) for channel in channels if (found := find_addresses(notification, channel, profiles))]
    chosen = reachable if rule.strategy == "all" else reachable[:1]
    return [find_final_status(channel, address) for channel, found in chosen for address in found]


def find_addresses(notification: dict[str, Any], channel: Channel, profiles: dict[str, Profile]) -> list[str]:
    """Where the user is reached on a channel: as the notification says, else as the users table does."""
    user = notification["user_id"]
    given = notification.get("to", {}).get(channel)
    if given is not None:
        return [given] if isinstance(given, str) else list(given)
    if user.startswith("topic:"):
        return [user] if channel == "push" else []
    return profiles[user].addresses.get(channel, []) if user in profiles else []


def find_final_status(channel: Channel, address: str) -> str:
    """The status, with its reason, in which a delivery to that address ends."""
    place = address.removeprefix("{simulators}")
    return next((ending for start, ending in SCRIPTED_STATUSES[channel].items() if place.startswith(start)), DEFAULT_STATUSES[channel])
