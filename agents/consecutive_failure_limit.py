"""An error that nobody expected, at one record: alone it costs that record, many in a row stop the worker (design.md section 9, P7)."""

from traceback import extract_tb

MAX_CONSECUTIVE_FAILURES = 10


class ConsecutiveFailureLimit:
    """Counts unexpected errors until something goes well again."""

    def __init__(self, max_consecutive: int = MAX_CONSECUTIVE_FAILURES) -> None:
        self.consecutive_failures = 0
        self._max_consecutive = max_consecutive

    def record_failure(self, error: Exception) -> str:
        """What a dead letter says of the error: not its own text, which may quote the record. Raises it if too many came in a row."""
        self.consecutive_failures += 1
        if self.consecutive_failures > self._max_consecutive:
            raise error
        return describe_error(error)

    def record_success(self) -> None:
        """Something went well."""
        self.consecutive_failures = 0


def describe_error(error: Exception) -> str:
    """Kind and place of the error, for whoever mends it."""
    frames = extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, line {frames[-1].lineno} of {frames[-1].filename.rpartition('/')[2]}" if frames else ""
    return f"{type(error).__name__}{place}: a fault of Herold's own, please report it"
