"""A limit for unexpected errors: one costs its record, too many in a row stop the worker (docs/decisions/0007)."""

from traceback import extract_tb

MAX_CONSECUTIVE_FAILURES = 10


class ConsecutiveFailureLimit:
    """Counts unexpected errors since the last success."""

    def __init__(self, max_consecutive: int = MAX_CONSECUTIVE_FAILURES) -> None:
        self.consecutive_failures = 0
        self._max_consecutive = max_consecutive

    def record_failure(self, error: Exception) -> str:
        """Count the error and return its description. Raises the error if more than the maximum came in a row."""
        self.consecutive_failures += 1
        if self.consecutive_failures > self._max_consecutive:
            raise error
        return describe_error(error)

    def record_success(self) -> None:
        """Reset the count."""
        self.consecutive_failures = 0


def describe_error(error: Exception) -> str:
    """The type and source line of an error, for a dead letter. Its message is left out: it may quote personal data of the record."""
    frames = extract_tb(error.__traceback__)
    location = f" in {frames[-1].name}, line {frames[-1].lineno} of {frames[-1].filename.rpartition('/')[2]}" if frames else ""
    return f"{type(error).__name__}{location}: this is a bug in Herold, please report it"
