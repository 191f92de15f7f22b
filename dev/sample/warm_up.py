"""Selects the lines of the warm-up, which is submitted before the sample and is not counted."""

from collections.abc import Sequence

from dev.sample.sample_file import SampleLine

WARM_UP_SIZE = 200  # lines; every role gets some of each priority, so that connections are open and templates are compiled
WARM_UP_TIMEOUT = 30.0  # seconds; the sample starts afterwards in any case, and shows what is wrong
SENT_RESULTS = frozenset({"routed", "SENT", "DELIVERED"})


def select_warm_up_lines(lines: Sequence[SampleLine]) -> list[SampleLine]:
    """Select the first WARM_UP_SIZE lines that may be submitted once more without an effect on the sample.

    `lines` are loaded with a run id of their own. Users with a profile are left out, because they have rate limits across runs, and
    so are stubs (each names its channel), because a simulator counts their requests.
    """
    return [line for line in lines if is_plain_guest(line)][:WARM_UP_SIZE]


def is_plain_guest(line: SampleLine) -> bool:
    """Whether a line is a valid notification to a guest, with the channels of its rule and without an idempotency key."""
    notification = line.notification or {}
    return (
        SENT_RESULTS.issuperset(line.expected)
        and str(notification.get("user_id", "")).startswith("guest-")
        and not notification.keys() & {"channels", "idempotency_key"}
        and not (line.partition or line.key or line.repeat or line.send_after)
    )
