"""The exceptions of Herold.

HeroldError
|-- SettingError          a setting is missing or invalid; names the key
|-- AmbiguousIdError      several users have a notification with this id
|-- BusyError             something runs that this process does once at a time
|   |-- ReadingRunningError  another ledger or export is read
|   |-- RecordSearchRunningError  others search the records of notifications
|   +-- SimulationRunningError  another simulation of a rule, or check of a template, runs
|-- ConflictError         the state of something does not allow a change; says what to do
|-- DeniedError           Kafka denies what this process needs to do
|-- ExpressionError       an expression of a rule is not valid; names the place
|-- MissingApiKeyError    there is no API key with this id
|-- MissingAccountError   there is no account of a person with this id
|-- MissingAudienceError  there is no audience with this name
|-- MissingEndpointError  there is no webhook endpoint with this id
|-- MissingPauseError     no operator has paused this account of a provider
|-- MissingProjectError   there is no project with this id
|-- MissingRateLimitError  there is no such rate limit
|-- MissingRuleError      there is no rule for this type
|-- MissingScheduleError  there is no schedule with this name
|-- MissingUserError      there is no user with this id
|-- NoLinkError           there is no account that a link may log in to
|-- ErasedError           the data key is destroyed, because the user was erased
|-- PartitionFencedError  the partition was assigned to another worker
|-- PolicyDocumentError   a file of rules, templates and rate limits is invalid; lists the problems
|-- RecordedNotificationsTooLargeError  the notifications that a trial would read do not fit into memory
|-- RecordTooLargeError   a record is larger than its topic allows
|-- SealError             sealed bytes do not open
|   +-- UnknownDataKeyError  the user has no data key of this version
|-- TemplateChangedError  a template has another published version than the caller read
|-- TableWriteError       RocksDB did not write rows, for example because the disk is full
|-- TooManyDeadLettersError  so many records became dead letters that the fault may be the worker's
|-- TopicMismatchError    topics are missing or have a different configuration
|-- UnknownUsersError     users of a list do not exist
|-- UnstorableRowError    a store rejects the values of a row
|-- VersionMismatchError  a row has changed since it was read
+-- UnavailableError      Kafka, PostgreSQL or Redis does not answer; retry later
    |-- DescribedUnavailableError  a server does not answer; the text says what that means
    +-- RecordedNotificationsUnavailableError  Kafka does not give the notifications that it has
"""

from collections.abc import Collection, Sequence

import msgspec

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the expected JSON; the last two do not derive from msgspec.DecodeError."""


class HeroldError(Exception):
    """The base class of Herold's exceptions."""


class NoLinkError(HeroldError):
    """There is no account that a link may log in to; says why."""


class SettingError(HeroldError):
    """A setting is missing or invalid."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"setting {key}: {problem}")
        self.key, self.problem = key, problem


class ErasedError(HeroldError):
    """What is sealed can never be opened: its data key is destroyed, because the user was erased."""

    def __init__(self) -> None:
        super().__init__("the user was erased, and with the data key all that it had sealed")


class SealError(HeroldError):
    """Sealed bytes do not open: they were changed, moved, or sealed with another key."""


class UnknownDataKeyError(SealError):
    """The user has no data key of the version that sealed bytes name."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the user has no data key {version}: the table user_keys is older than what it sealed, or was restored")


class AmbiguousIdError(HeroldError):
    """A producer gave one id to notifications of several users."""

    def __init__(self, notification_id: str, users: int) -> None:
        super().__init__(f"{users} users have a notification with the id {notification_id}, which a producer gave: name the user")


class DeniedError(HeroldError):
    """Kafka denies what this process needs to do."""


class ConflictError(HeroldError):
    """The state of something does not allow a change."""


class MissingApiKeyError(HeroldError):
    """The project has no API key with this id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"there is no API key {key_id[:64]!r}")


class MissingAccountError(HeroldError):
    """There is no account of a person with this id."""

    def __init__(self, account_id: str) -> None:
        super().__init__(f"there is no account {account_id[:64]!r}")


class MissingPauseError(HeroldError):
    """No operator has paused this account of a provider."""

    def __init__(self, account: str) -> None:
        super().__init__(f"the account {account[:128]!r} is not paused by an operator")


class MissingAudienceError(HeroldError):
    """There is no audience with this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no audience {name[:128]!r}")
        self.name = name


class MissingEndpointError(HeroldError):
    """There is no webhook endpoint with this id."""

    def __init__(self, endpoint_id: str) -> None:
        super().__init__(f"there is no webhook endpoint {endpoint_id[:64]!r}")


class MissingScheduleError(HeroldError):
    """There is no schedule with this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no schedule {name[:128]!r}")
        self.name = name


class UnknownUsersError(HeroldError):
    """Users of a list do not exist."""

    def __init__(self, user_ids: Sequence[str]) -> None:
        super().__init__(f"{len(user_ids)} users do not exist, such as {user_ids[0][:64]!r}")
        self.user_ids = user_ids


class MissingUserError(HeroldError):
    """There is no user with this id."""

    def __init__(self, user_id: str) -> None:
        super().__init__(f"there is no user {user_id[:64]!r}")
        self.user_id = user_id


class PartitionFencedError(HeroldError):
    """A rebalance assigned the partition to another worker; its uncommitted work is discarded here and repeated there."""


class MissingRateLimitError(HeroldError):
    """There is no rate limit for this channel, category, tier and window."""

    def __init__(self, description: str) -> None:
        super().__init__(f"there is no rate limit for {description[:300]}")


class MissingProjectError(HeroldError):
    """There is no project with this id."""

    def __init__(self, project_id: str) -> None:
        super().__init__(f"there is no project {project_id[:64]!r}")


class MissingRuleError(HeroldError):
    """There is no rule for this type, or none in this version."""

    def __init__(self, type_: str, version: int = 0) -> None:
        super().__init__(f"there is no rule for the type {type_[:128]!r}" + (f" in version {version}" if version else ""))
        self.type = type_


class PolicyDocumentError(HeroldError):
    """A file of rules, templates and rate limits is invalid."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class ExpressionError(HeroldError):
    """An expression of a rule is not valid; line and column count from 1, and are 0 if the place is unknown."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"line {line}, column {column}: {problem}" if line else problem)
        self.problem, self.line, self.column = problem, line, column


class RecordedNotificationsTooLargeError(HeroldError):
    """The notifications that a trial of rules or templates would read are too large to be kept in memory."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the recorded notifications have more than {limit // 1024**2} MiB: choose a shorter time, or fewer")


class RecordTooLargeError(HeroldError):
    """A record is larger than its topic allows."""

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(f"a record of {size} bytes for {topic} is larger than {limit} bytes")


class BusyError(HeroldError):
    """Something runs that this process does once at a time; a retry in a few seconds may succeed."""


class ReadingRunningError(BusyError):
    """Another ledger or export is read in this process; they are read one after the other."""

    def __init__(self) -> None:
        super().__init__("another ledger or export is read: try again in a few seconds")


class SimulationRunningError(BusyError):
    """Another simulation of a rule, or check of a template, runs in this process; they run one after the other."""

    def __init__(self) -> None:
        super().__init__("another simulation or check of a template runs: try again in a few seconds")


class RecordSearchRunningError(BusyError):
    """Too many others search the records of notifications in this process."""

    def __init__(self) -> None:
        super().__init__("others search the records of notifications: try again in a few seconds")


class TemplateChangedError(HeroldError):
    """A template has another published version than the caller read."""

    def __init__(self, name: str, published_version: int) -> None:
        super().__init__(f"version {published_version} of the template {name} is published now: read it again, then publish")
        self.published_version = published_version


class TableWriteError(HeroldError):
    """RocksDB did not write rows, for example because the disk is full."""


class TooManyDeadLettersError(HeroldError):
    """So many records became dead letters that the fault may be the worker's."""

    def __init__(self, dead_letters: int, records: int, seconds: int) -> None:
        super().__init__(
            f"{dead_letters} of {records} records of the last {seconds} s became dead letters: `herold dead-letters causes` says why; "
            f"if the records are wrong and not this release, raise worker.max_dead_letters or worker.max_dead_letter_share, and start again"
        )


class TopicMismatchError(HeroldError):
    """Topics are missing or differ from the catalogue; `herold topics apply` creates them."""


class UnstorableRowError(HeroldError):
    """A store rejects the values of a row; a retry cannot succeed."""


class UnavailableError(HeroldError):
    """A server does not answer; a retry may succeed."""


class DescribedUnavailableError(UnavailableError):
    """A server does not answer; the text says which one and what that means, for whoever asked."""


class RecordedNotificationsUnavailableError(UnavailableError):
    """Kafka does not give the notifications that it has; the text names its address."""


class VersionMismatchError(HeroldError):
    """A row has changed since it was read; `version` is its version now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"it has changed since it was read, its version is {version} now")
        self.version = version


def check_single_user(notification_id: str, user_ids: Collection[str]) -> None:
    """Raise AmbiguousIdError for more than one user."""
    if len(user_ids) > 1:
        raise AmbiguousIdError(notification_id, len(user_ids))
