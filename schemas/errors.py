"""The exceptions of Herold.

HeroldError
|-- SettingError          a setting is missing or invalid; names the key
|-- PartitionFencedError  the partition was assigned to another worker
|-- RecordTooLargeError   a record is larger than its topic allows
|-- TableWriteError       RocksDB did not write rows, for example because the disk is full
|-- TopicMismatchError    topics are missing or have a different configuration
|-- UnstorableRowError    a store rejects the values of a row
+-- UnavailableError      Kafka, PostgreSQL or Redis does not answer; retry later
"""

import msgspec

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the expected JSON; the last two do not derive from msgspec.DecodeError."""


class HeroldError(Exception):
    """The base class of Herold's exceptions."""


class SettingError(HeroldError):
    """A setting is missing or invalid."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"setting {key}: {problem}")
        self.key, self.problem = key, problem


class PartitionFencedError(HeroldError):
    """A rebalance assigned the partition to another worker; its uncommitted work is discarded here and repeated there."""


class RecordTooLargeError(HeroldError):
    """A record is larger than its topic allows."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(f"a record of {size} bytes for {topic} is larger than {limit} bytes")


class TableWriteError(HeroldError):
    """RocksDB did not write rows, for example because the disk is full."""


class TopicMismatchError(HeroldError):
    """Topics are missing or differ from the catalogue; `herold topics apply` creates them."""


class UnstorableRowError(HeroldError):
    """A store rejects the values of a row; a retry cannot succeed."""


class UnavailableError(HeroldError):
    """A server does not answer; a retry may succeed."""
