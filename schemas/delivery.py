"""A delivery, one notification on one channel to one address: the value of `deliveries.<channel>.<priority>`."""

from typing import Literal

from msgspec import Struct

from schemas.categories import Consent
from schemas.channels import ChannelName
from schemas.content import Content
from schemas.enums import Priority


class UnansweredCall(Struct, frozen=True, gc=False, omit_defaults=True):
    """A call that may have reached the provider, which did not say so: the number of its attempt, its time in epoch seconds, how often
    the search for evidence has failed, and whether the provider said, by a complete 5xx, that it has failed.
    """

    attempt: int
    called_at: float
    failed_searches: int = 0
    has_failed: bool = False


class NextStep(Struct, frozen=True, gc=False):
    """The next channel of an escalation, as the scheduler holds it: the topic's priority and the entry's resume_count."""

    priority: Priority
    resume_count: int


class Delivery(Struct, frozen=True, gc=False, omit_defaults=True):
    """A delivery with its rendered content, which retries and redrives send unchanged; times in epoch seconds.

    `consent` says whose word counts until the call; empty if none does, or if the rule makes the notification mandatory. `variant`
    is the experiment of the template and the variant that the user gets, `order-shipped/short`; empty if there is no experiment.
    `at_most_once`: after a call without an answer no other one is made. `unanswered` is such a call, of which evidence is to be found
    before anything else. `account` is the provider's account of the last attempt, as a section of faust.yml names it.
    `next_step` is set if this is the only delivery of a step of an escalation, and another channel follows unless it arrives.
    `endpoint_id` is the registered webhook endpoint that the address is from; empty for an address that came with the notification.
    `resends`: how often it was sent again because a carrier could not deliver it, the last time after the attempt `undelivered_attempt`.
    `source`: where its record is, as `low.3.17` for priority, partition and offset; the worker adds it for providers that report it back.
    `consent_event_id` is the event of consent that allowed it; empty if none was needed, and the decision log says whose word counted.
    `attempt` numbers the attempts, `counted_attempts` are those before this one that the schedule of retries counts.
    `sealed` stands for the address and the content, which are empty then (schemas/sealed_records.py).
    `sent_again`: after a call without any answer it was sent once more, which happens once.
    `is_ordered`: the endpoint has the deliveries of the user one after the other; `is_cancelled`: one of these that was cancelled while it
    waited in the scheduler, so that the worker lets the next one follow.
    `is_test`: it goes to a test account, or to nobody. `due_at`: when its notification was released, if it was held.
    """

    id: str
    notification_id: str
    user_id: str
    channel: ChannelName
    address: str
    content: Content
    created_at: float
    expires_at: float
    type: str = ""
    category: str = ""
    template: str = ""
    consent: Literal["", Consent] = ""
    attempt: int = 0
    redrive_count: int = 0
    possible_duplicate: bool = False
    variant: str = ""
    schema_version: int = 1
    at_most_once: bool = False
    unanswered: UnansweredCall | None = None
    account: str = ""
    next_step: NextStep | None = None
    endpoint_id: str = ""
    counted_attempts: int = 0
    sealed: bytes = b""
    resends: int = 0
    undelivered_attempt: int = -1
    source: str = ""
    is_test: bool = False
    consent_event_id: str = ""
    sent_again: bool = False
    due_at: float = 0.0
    is_ordered: bool = False
    is_cancelled: bool = False
