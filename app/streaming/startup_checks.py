"""Checks before a worker reads its first record: library versions, C extensions, partition counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version

from schemas.errors import HeroldError, TopicMismatchError

# Private methods of these are overridden (library_overrides.py); another version may behave differently.
PINNED_VERSIONS = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0", "rocksdict": "0.3.29"}

# Module, attribute, and the module name of the compiled class. Faust's pure Python versions acknowledge differently.
C_EXTENSIONS = (
    ("faust.streams", "_CStreamIterator", "faust._cython.streams"),
    ("faust.transport.conductor", "ConductorHandler", "faust.transport._cython.conductor"),
    ("aiokafka.record.default_records", "DefaultRecordBatch", "aiokafka.record._crecords.default_records"),
    ("aiokafka.record.default_records", "DefaultRecordBatchBuilder", "aiokafka.record._crecords.default_records"),
)


class LibraryMismatchError(HeroldError):
    """An installed library is not the one that this code overrides."""


def find_version_problems(get_version: Callable[[str], str] = version) -> list[str]:
    """Pinned distributions that are installed in another version; empty if none."""
    installed = {name: get_version(name) for name in PINNED_VERSIONS}
    return [f"{name} is {installed[name]}, expected {pinned}" for name, pinned in PINNED_VERSIONS.items() if installed[name] != pinned]


def find_extension_problems(extensions: Iterable[tuple[str, str, str]] = C_EXTENSIONS) -> list[str]:
    """C extensions that are missing or turned off; empty if none."""
    problems = []
    for module, attribute, compiled_module in extensions:
        actual_module = getattr(getattr(import_module(module), attribute, None), "__module__", "")
        if actual_module != compiled_module:
            problems.append(f"{module}.{attribute} is not the compiled one of {compiled_module}")
    return problems


def require_libraries() -> None:
    """Check versions and C extensions. Raises LibraryMismatchError with every problem and what to do."""
    problems = [*find_version_problems(), *find_extension_problems()]
    if problems:
        raise LibraryMismatchError("\n".join([*problems, "install requirements.lock again and unset NO_CYTHON"]))


def find_partition_problems(topics: Iterable[str], partitions: int, partition_counts: Mapping[str, int]) -> list[str]:
    """Topics that are missing or do not have `partitions` partitions; `partition_counts` holds the count of each existing topic."""
    problems = []
    for topic in topics:
        if topic not in partition_counts:
            problems.append(f"{topic}: missing")
        elif partition_counts[topic] != partitions:
            problems.append(f"{topic}: {partition_counts[topic]} partitions, expected {partitions} (kafka.topic_partitions)")
    return problems


def require_partition_counts(topics: Iterable[str], partitions: int, partition_counts: Mapping[str, int]) -> None:
    """Check partition counts: with unequal ones, a user's records and rows are on different partitions. Raises TopicMismatchError."""
    problems = find_partition_problems(topics, partitions, partition_counts)
    if problems:
        raise build_partition_error(problems)


def find_changed_partition_counts(partitions: int, partition_counts: Mapping[str, int]) -> list[str]:
    """Topics with another count than `partitions`; a topic that is not in `partition_counts` may be without a leader, and is no problem."""
    return find_partition_problems(sorted(partition_counts), partitions, partition_counts)


def build_partition_error(problems: Sequence[str]) -> TopicMismatchError:
    """The error for these problems, with what to do."""
    advice = "`herold topics apply` creates missing topics; for a topic with another partition count see docs/kafka.md, section Partitions"
    return TopicMismatchError("\n".join([*problems, advice]))
