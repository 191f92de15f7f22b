"""The result of one run of the sample."""

import msgspec
from msgspec import Struct

from dev.sample.reconciliation import Reconciliation
from dev.sample.request_log_comparison import RequestLogComparison


class SampleResult(Struct, frozen=True):
    """The reconciliation of all lines, and the comparison of the request log with the history.

    `mismatches`: expected and actual counts by result, where they differ. `examples`: a notification id for each result and status.
    `seconds`: from the first submission to the last final result.
    """

    reconciliation: Reconciliation
    comparison: RequestLogComparison
    mismatches: dict[str, tuple[int, int]]
    examples: dict[str, str]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every line is final, and the request log and the history agree."""
        return self.reconciliation.complete and self.comparison.consistent

    def to_json(self) -> str:
        """Encode the result as one line of JSON."""
        return msgspec.json.encode(
            {
                "submitted": self.reconciliation.submitted_count,
                "final": self.reconciliation.build_final_counts(),
                "in_flight": self.reconciliation.in_flight_count,
                "lost": self.reconciliation.lost_count,
                "duplicates": self.comparison.duplicate_count,
                "seconds": round(self.seconds, 2),
            }
        ).decode()
