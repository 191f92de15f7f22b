"""An error that nobody expected, at one record: alone it costs that record, many in a row stop the worker (design.md section 9, P7)."""

from traceback import extract_tb

MOST_IN_A_ROW = 10


class Brake:
    """Counts unexpected errors until something goes well again."""

    def __init__(self, most: int = MOST_IN_A_ROW) -> None:
        self.in_a_row = 0
        self._most = most

    def pull(self, error: Exception) -> str:
        """What a dead letter says of the error: not its own text, which may quote the record. Raises it if too many came in a row."""
        self.in_a_row += 1
        if self.in_a_row > self._most:
            raise error
        return sentence_of(error)

    def release(self) -> None:
        """Something went well."""
        self.in_a_row = 0


def sentence_of(error: Exception) -> str:
    """Kind and place of the error, for whoever mends it."""
    frames = extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, line {frames[-1].lineno} of {frames[-1].filename.rpartition('/')[2]}" if frames else ""
    return f"{type(error).__name__}{place}: a fault of Herold's own, please report it"
