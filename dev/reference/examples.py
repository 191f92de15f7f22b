"""The examples of the reference: one order notification, as structs, so that the examples match the schemas."""

from msgspec import Raw, Struct

from schemas.content import EmailContent
from schemas.dead_letter import DeadLetter
from schemas.delivery import Delivery
from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, EngagementEvent, GateResult, InboundEvent, ReceiptEvent, StatusEvent
from schemas.ids import NOTIFICATION_PREFIX, derive_delivery_id, make_id
from schemas.notification import Notification
from schemas.scheduled import Cancel, Reschedule, Scheduled

CREATED_AT = 1_760_000_000.0
FIRST_ID, NOTIFICATION_ID = (make_id(NOTIFICATION_PREFIX, CREATED_AT, bits) for bits in (0, 1))
USER_ID = "u-42"
EMAIL_DELIVERY_ID = derive_delivery_id(NOTIFICATION_ID, USER_ID, "email", "ada@example.org")
TYPE, CATEGORY, TEMPLATE = "order.shipped", "transactional", "order-shipped"

DECISION_LOG = [
    GateResult("decode", "pass"),
    GateResult("repartition", "pass"),
    GateResult("idempotency", "pass"),
    GateResult("rule", "pass", "", {"rule": f"{TYPE}@1"}),
    GateResult("expiry", "pass"),
    GateResult("schedule", "pass"),
    GateResult("recipient", "pass", "", {"addresses": {"email": 1}}),
    GateResult("consent", "pass", "", {"consent": "none"}),
    GateResult("digest", "pass"),
    GateResult("quiet_hours", "pass", "ignored"),
    GateResult("rate_limit", "pass", "", {"email": "100 in 3600 s"}),
    GateResult("channels", "pass", "", {"strategy": "all", "channels": ["email"]}),
    GateResult("rendering", "pass", "", {"email": f"{TEMPLATE}@1 de"}),
    GateResult("fan_out", "pass", "", {"deliveries": 1}),
]
ROUTED = DecidedEvent(
    NOTIFICATION_ID,
    USER_ID,
    State.ROUTED,
    CREATED_AT + 0.01,
    CREATED_AT,
    "medium",
    TYPE,
    CATEGORY,
    "",
    [DeliveryRef(EMAIL_DELIVERY_ID, "email")],
    DECISION_LOG,
)
DUPLICATE = DecidedEvent(
    NOTIFICATION_ID, USER_ID, State.REJECTED, CREATED_AT + 0.01, CREATED_AT, "medium", TYPE, CATEGORY, "duplicate", duplicate_of=FIRST_ID
)
SENT = StatusEvent(
    EMAIL_DELIVERY_ID,
    NOTIFICATION_ID,
    USER_ID,
    "email",
    Status.SENT,
    CREATED_AT + 0.05,
    CREATED_AT,
    0,
    1,
    Outcome.ACCEPTED,
    "",
    "sendgrid",
    "x-1",
    202,
    12.5,
)
THROTTLED = StatusEvent(
    EMAIL_DELIVERY_ID,
    NOTIFICATION_ID,
    USER_ID,
    "email",
    Status.PENDING,
    CREATED_AT + 0.05,
    CREATED_AT,
    0,
    1,
    Outcome.THROTTLED,
    "",
    "sendgrid",
    "",
    429,
    3.0,
)

EXAMPLES: dict[type[Struct], dict[str, Struct]] = {
    Notification: {
        "minimal": Notification(USER_ID, TYPE),
        "complete": Notification(
            USER_ID,
            TYPE,
            id=NOTIFICATION_ID,
            category=CATEGORY,
            channels=["email", "push"],
            template=TEMPLATE,
            data={"name": "Ada", "order": 17, "eta": "Friday", "items": ["lamp"]},
            locale="de-AT",
            to={"email": "ada@example.org"},
            expires_at=CREATED_AT + 86_400,
            idempotency_key="order-17-shipped",
            created_at=CREATED_AT,
        ),
    },
    Scheduled: {
        "held": Scheduled(
            NOTIFICATION_ID, USER_ID, CREATED_AT + 3600, "notifications.medium", Raw(b'{"user_id":"u-42","type":"order.shipped"}'), 1
        )
    },
    Cancel: {"cancel": Cancel(NOTIFICATION_ID, USER_ID)},
    Reschedule: {"reschedule": Reschedule(NOTIFICATION_ID, USER_ID, CREATED_AT + 7200)},
    Delivery: {
        "email": Delivery(
            EMAIL_DELIVERY_ID,
            NOTIFICATION_ID,
            USER_ID,
            "email",
            "ada@example.org",
            EmailContent("Order 17 is on its way", "Hello Ada, ..."),
            CREATED_AT,
            CREATED_AT + 86_400,
            TYPE,
            CATEGORY,
            TEMPLATE,
        )
    },
    DecidedEvent: {"routed": ROUTED, "rejected": DUPLICATE},
    StatusEvent: {"sent": SENT, "throttled": THROTTLED},
    ReceiptEvent: {
        "delivered": ReceiptEvent(
            EMAIL_DELIVERY_ID,
            "email",
            "sendgrid",
            "ZGVsaXZlcmVkLTAtNDI",
            "delivered",
            Status.DELIVERED,
            CREATED_AT + 2,
            detail="delivered",
        ),
        "bounced": ReceiptEvent(
            EMAIL_DELIVERY_ID,
            "email",
            "sendgrid",
            "Ym91bmNlLTAtNDI",
            "bounce",
            Status.BOUNCED,
            CREATED_AT + 2,
            reason="bounced",
            detail="bounce, 5.1.1",
            consent="hard_bounce",
            address="ada@example.org",
        ),
    },
    EngagementEvent: {"open": EngagementEvent(EMAIL_DELIVERY_ID, "email", "sendgrid", "b3Blbi0wLTQy", "open", CREATED_AT + 60)},
    InboundEvent: {"stop": InboundEvent("sms", "twilio", "SM00000000000000000000000000000001", "stop", "+436641234567", CREATED_AT + 60)},
}

DEAD_LETTER = DeadLetter(
    stage="router",
    reason="invalid",
    error="Object missing required field `type`",
    source_topic="notifications.medium",
    source_partition=3,
    source_offset=17,
    key=b"u-42",
    value=b'{"user_id":"u-42"}',
    attempts=0,
    notification_id=NOTIFICATION_ID,
    user_id=USER_ID,
)
