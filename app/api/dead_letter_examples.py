"""An example of each list about dead letters and redrives, for the OpenAPI document."""

from msgspec import Struct

from app.api.dead_letter_bodies import CauseList, DeadLetterPage, RedrivePage
from schemas.dead_letters import CauseGroup, StoredDeadLetter
from schemas.redrives import Redrive

AT = 1_795_851_813.0  # 2026-11-28 07:43:33 UTC
UUID = "01a2211d759678619811269291aeed15"
CURSOR = "WyJhMmI0YzYiLCJ1LTQyIl0"
CAUSE = "5f2b8c0d9e4a7163"
DEAD_LETTER = StoredDeadLetter(
    id=f"dlt_{UUID}",
    created_at=AT,
    state="open",
    cause=CAUSE,
    stage="delivery",
    reason="retries_exhausted",
    error="UNKNOWN 503: the provider answered 503",
    channel="email",
    type="order.shipped",
    account="https://api.sendgrid.com",
    outcome="UNKNOWN",
    provider_code=503,
    attempts=3,
    redrive_count=0,
    user_id="u-42",
    notification_id=f"ntf_{UUID}",
    delivery_id=f"dlv_{UUID}",
    source_topic="deliveries.email.medium",
    source_partition=2,
    source_offset=1234,
    source_time=AT - 12.5,
    topic="notifications.dlq",
    partition=2,
    offset=17,
    is_truncated=False,
    value_bytes=1893,
    redrive_id="",
    ended_at=None,
    ended_by="",
    discard_reason="",
)

DEAD_LETTER_EXAMPLES: tuple[Struct, ...] = (
    DeadLetterPage(items=[DEAD_LETTER], next_cursor=CURSOR),
    CauseList(items=[CauseGroup(CAUSE, count=812, open_count=800, first_seen_at=AT - 3600, last_seen_at=AT, example=DEAD_LETTER)]),
    RedrivePage(
        items=[
            Redrive(
                id=f"rdr_{UUID}",
                selection={"cause": CAUSE},
                is_edited=False,
                rate=100,
                include_delivered=False,
                extend_expiry=None,
                reason="SendGrid is back",
                state="running",
                total_count=800,
                redriven_count=300,
                skipped_counts={"expired": 12, "opted_out": 1},
                created_at=AT,
                started_at=AT,
                ended_at=None,
                created_by="ada",
                error="",
            )
        ],
        next_cursor=None,
    ),
)
