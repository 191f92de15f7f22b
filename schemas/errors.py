"""The exceptions of Herold; the docstring is the message.

HeroldError
|-- SettingError          a setting is missing or wrong: names the key
|-- PartitionFencedError  this worker no longer owns the partition
|-- RecordTooLargeError   a record does not fit its topic
|-- TopicMismatchError    topics are missing or have a wrong policy
|-- UnstorableRowError    a store cannot take a row as it is
+-- UnavailableError      Kafka, PostgreSQL or Redis does not answer: try again later
"""

import msgspec

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON that was expected; the last two are not among its own errors."""


class HeroldError(Exception):
    """Herold cannot go on with this."""


class SettingError(HeroldError):
    """A setting is missing or wrong."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"setting {key}: {problem}")
        self.key = key


class PartitionFencedError(HeroldError):
    """The partition belongs to another worker since a rebalance: what was decided for it here is dropped, and decided there."""


class RecordTooLargeError(HeroldError):
    """A record is larger than its topic takes."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(f"a record of {size} bytes for {topic} is larger than {limit}")


class TopicMismatchError(HeroldError):
    """Topics are missing or differ from the catalogue; `herold topics apply` creates them."""


class UnstorableRowError(HeroldError):
    """A store cannot take a row as it is, now or later."""


class UnavailableError(HeroldError):
    """A server does not answer."""
