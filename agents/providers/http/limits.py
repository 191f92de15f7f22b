"""What the HTTP client allows itself and the other side: connections, seconds, bytes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HttpLimits:
    """Times in seconds, sizes in bytes; times are kept to the `tick`, never shorter than asked and at most two ticks longer."""

    max_connections: int = 256
    """Open at once to one origin."""
    max_queued_requests: int = 10_000
    """Requests to one origin that wait for one in use to be free; one more is NotSent."""
    pool_timeout: float = 10.0
    """From `send` until a connection is free; then NotSent."""
    connect_timeout: float = 3.0
    """Name, TCP and TLS handshake together; then NotSent."""
    request_timeout: float = 10.0
    """From writing the request until the whole answer is here; then MaybeSent."""
    idle_timeout: float = 15.0
    """After which an unused connection is closed: shorter than the other side's own limit."""
    max_connection_age: float = 300.0
    """After which a connection takes no further request, so that a moved name is followed."""
    tick_seconds: float = 0.25
    """Between two looks at what is overdue."""
    max_head_bytes: int = 64 * 1024
    """Of an answer's status line and headers; a longer one is MaybeSent."""
    max_body_bytes: int = 64 * 1024
    """Of an answer's body; a longer one is cut off here and its connection closed."""

    def to_ticks(self, seconds: float) -> int:
        """How many looks must pass until at least that many seconds have."""
        return max(1, -int(-seconds // self.tick_seconds)) + 1
