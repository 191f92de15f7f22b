"""The limits of the HTTP client: connections, timeouts, sizes."""

from dataclasses import dataclass

MAX_TOTAL_CONNECTIONS = 512
MAX_QUEUED_REQUESTS = 10_000
POOL_TIMEOUT = 10.0
IDLE_TIMEOUT = 15.0  # less than the idle timeout of common servers, which would close the connection under a request
MAX_CONNECTION_AGE = 300.0
TICK_SECONDS = 0.25
MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class HttpLimits:
    """Times in seconds, sizes in bytes. Timeouts are checked once in a tick: they are never shorter, and at most two ticks longer."""

    max_connections: int
    """Open connections to one origin."""
    connect_timeout: float
    """For the DNS lookup, and again for TCP and TLS; then NotSent."""
    request_timeout: float
    """From writing the request to the end of the response; then MaybeSent."""
    max_total_connections: int = MAX_TOTAL_CONNECTIONS
    """Open connections to all origins; at a further one, the one that was idle for the longest time is closed. Busy ones are not closed."""
    max_queued_requests: int = MAX_QUEUED_REQUESTS
    """Requests to one origin that wait for a connection; a further one is NotSent."""
    pool_timeout: float = POOL_TIMEOUT
    """From `send` until a connection is free; then NotSent."""
    idle_timeout: float = IDLE_TIMEOUT
    """After which an unused connection is closed."""
    max_connection_age: float = MAX_CONNECTION_AGE
    """After which a connection is not used again, so that a change in DNS takes effect."""
    tick_seconds: float = TICK_SECONDS
    """Between two checks for timeouts."""
    max_head_bytes: int = MAX_HEAD_BYTES
    """Of a response's status line and headers; a longer one is MaybeSent."""
    max_body_bytes: int = MAX_BODY_BYTES
    """Of a response's body; a longer one is cut, and its connection is closed."""

    def to_ticks(self, seconds: float) -> int:
        """The number of ticks after which at least so many seconds have passed."""
        return max(1, -int(-seconds // self.tick_seconds)) + 1
