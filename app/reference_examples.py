"""One order on its way through Herold: the examples of the reference, as values, so that they cannot disagree with the structs."""

from msgspec import Raw, Struct

from schemas.content import EmailContent
from schemas.deadletter import DeadLetter
from schemas.delivery import Delivery
from schemas.ids import NOTIFICATION, delivery_id, new_id
from schemas.notification import Notification
from schemas.scheduled import Cancel, Scheduled
from schemas.status import Accepted, Planned, Status, Step
from schemas.words import Outcome, State, StatusName

AT = 1_760_000_000.0
FIRST, ID = (new_id(NOTIFICATION, AT, bits) for bits in (0, 1))
USER = "u-42"
EMAIL = delivery_id(ID, USER, "email", "ada@example.org")
TYPE, CATEGORY, TEMPLATE = "order.shipped", "transactional", "order-shipped"

TRACE = [
    Step("decode", "pass"),
    Step("owner", "pass"),
    Step("idempotency", "pass"),
    Step("route", "pass", "", {"channels": ["email"]}),
    Step("render", "pass", "", {"template": TEMPLATE, "version": 1, "locale": "de"}),
]
ROUTED = Accepted(ID, USER, State.ROUTED, AT + 0.01, AT, "medium", TYPE, CATEGORY, "", [Planned(EMAIL, "email")], TRACE)
DUPLICATE = Accepted(ID, USER, State.REFUSED, AT + 0.01, AT, "medium", TYPE, CATEGORY, "duplicate", first_id=FIRST)
SENT = Status(EMAIL, ID, USER, "email", StatusName.SENT, AT + 0.05, AT, 0, 1, Outcome.ACCEPTED, "", "sendgrid", "x-1", 202, 12.5)
AGAIN = Status(EMAIL, ID, USER, "email", StatusName.PENDING, AT + 0.05, AT, 0, 1, Outcome.THROTTLED, "", "sendgrid", "", 429, 3.0)

EXAMPLES: dict[type[Struct], dict[str, Struct]] = {
    Notification: {
        "the least": Notification(USER, TYPE),
        "everything said": Notification(
            USER,
            TYPE,
            id=ID,
            category=CATEGORY,
            channels=["email", "push"],
            template=TEMPLATE,
            data={"name": "Ada", "order": 17, "eta": "Friday", "items": ["lamp"]},
            locale="de-AT",
            to={"email": "ada@example.org"},
            expires_at=AT + 86_400,
            idempotency_key="order-17-shipped",
            created_at=AT,
        ),
    },
    Scheduled: {"held": Scheduled(ID, USER, AT + 3600, "notifications.medium", Raw(b'{"user_id":"u-42","type":"order.shipped"}'), 1)},
    Cancel: {"forget it": Cancel(ID, USER)},
    Delivery: {
        "an e-mail": Delivery(
            EMAIL,
            ID,
            USER,
            "email",
            "ada@example.org",
            EmailContent("Order 17 is on its way", "Hello Ada, ..."),
            AT,
            AT + 86_400,
            TYPE,
            CATEGORY,
            TEMPLATE,
        )
    },
    Accepted: {"routed": ROUTED, "refused": DUPLICATE},
    Status: {"sent": SENT, "will be tried again": AGAIN},
}

LETTER = DeadLetter(
    stage="router",
    reason="invalid",
    error="Object missing required field `type`",
    topic="notifications.medium",
    partition=3,
    offset=17,
    key=b"u-42",
    value=b'{"user_id":"u-42"}',
    attempts=0,
    notification_id=ID,
    user_id=USER,
)
