"""The result of one run of the sample."""

import msgspec
from msgspec import Struct

from dev.sample.broadcast import BroadcastProgress
from dev.sample.reconciliation import LineMismatch, Reconciliation
from dev.sample.request_log_comparison import RequestLogComparison


class SampleResult(Struct, frozen=True):
    """The reconciliation of all lines, and the comparison of the request log with the history.

    `mismatches`: the lines that did not end as expected. `examples`: a notification id for each result and status.
    `seconds`: from the first submission to the last final result. `broadcast` is None if none was started.
    """

    reconciliation: Reconciliation
    comparison: RequestLogComparison
    mismatches: list[LineMismatch]
    examples: dict[str, str]
    seconds: float
    broadcast: BroadcastProgress | None = None

    @property
    def ok(self) -> bool:
        """Whether all ended as expected, nothing was delivered twice, and the request log and the history agree."""
        as_expected = self.reconciliation.complete and not self.mismatches and (self.broadcast is None or self.broadcast.ok)
        return as_expected and self.comparison.consistent and not self.comparison.duplicate_count

    def to_json(self) -> str:
        """Encode the result as one line of JSON."""
        return msgspec.json.encode(
            {
                "submitted": self.reconciliation.submitted_count,
                "final": self.reconciliation.build_final_counts(),
                "in_flight": self.reconciliation.in_flight_count,
                "lost": self.reconciliation.lost_count,
                "mismatches": len(self.mismatches),
                "duplicates": self.comparison.duplicate_count,
                "seconds": round(self.seconds, 2),
            }
        ).decode()
