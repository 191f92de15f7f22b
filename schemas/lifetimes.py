"""How long records and rows are kept, in seconds; topics, tables and checks take these values.

tests/unit/schemas/test_lifetimes.py says which of them must be at least as long as which others.
"""

HOUR = 3600
DAY = 24 * HOUR

NOTIFICATION_EXPIRY = DAY  # a notification is sent at most so long after it is due, even if it asks for more
IDEMPOTENCY_HORIZON = DAY  # between two notifications with one idempotency key, so that the second is a duplicate; also over HTTP
MAX_SEND_AHEAD = 30 * DAY  # between a notification's record and its send_at
MAX_DIGEST_WINDOW = 30 * DAY  # from the first notification of a digest until it is sent
MAX_CREATED_AT_ERROR = DAY  # between a notification's record and the created_at of its producer, whose clock may be wrong
MAX_RATE_WINDOW = 7 * DAY  # the longest window of a rate limit; a constraint of the database names it too

# records of the topics
NOTIFICATION_RECORDS = 7 * DAY
SCHEDULED_RECORDS = 7 * DAY
DELIVERY_RECORDS = 3 * DAY
STATUS_RECORDS = 7 * DAY
DEAD_LETTER_RECORDS = 30 * DAY

UNMATCHED_REPORTS = 7 * DAY  # a provider's report waits so long for its delivery to be recorded

# rows of the tables, from the time in the row
IDEMPOTENCY_ROWS = IDEMPOTENCY_HORIZON + NOTIFICATION_EXPIRY  # a duplicate may wait until it expires before it is looked up
RATE_WINDOW_ROWS = MAX_RATE_WINDOW
# a digest is moved at most as far as a send_at, expires a day after it is due, and may come back a week late if the workers were down
DIGEST_ROWS = max(MAX_DIGEST_WINDOW, MAX_SEND_AHEAD) + 2 * MAX_CREATED_AT_ERROR + NOTIFICATION_EXPIRY + NOTIFICATION_RECORDS
ATTEMPT_ROWS = DELIVERY_RECORDS  # a delivery that is read again finds its row
ENDPOINT_ORDER_ROWS = ATTEMPT_ROWS  # what is in a row has expired long before, unless it was written again

MIN_CHANGELOG_SURPLUS = 2 * DAY


def compute_changelog_retention(row_lifetime: int) -> int:
    """How long the changelog of a table keeps its records: twice as long as its rows, and at least two days longer.

    So only a partition without traffic for days is ever emptied. Faust 0.15.3 recovers from an empty partition, but one that is emptied
    during its recovery blocks that recovery until the worker restarts (Faust issue 597).
    """
    return max(2 * row_lifetime, row_lifetime + MIN_CHANGELOG_SURPLUS)
