"""What must be true before a worker reads its first record: the versions this code was written for, C extensions, partition counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import version

from schemas.errors import HeroldError, TopicMismatchError

# Private methods of these are overridden (overrides.py), so another version is another program.
PINNED_VERSIONS = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0", "rocksdict": "0.3.29"}

# module, attribute, and the module name that proves the C version is in use; Faust's pure Python versions differ in how they acknowledge
C_EXTENSIONS = (
    ("faust.streams", "_CStreamIterator", "faust._cython.streams"),
    ("faust.transport.conductor", "ConductorHandler", "faust.transport._cython.conductor"),
    ("aiokafka.record.default_records", "DefaultRecordBatch", "aiokafka.record._crecords.default_records"),
    ("aiokafka.record.default_records", "DefaultRecordBatchBuilder", "aiokafka.record._crecords.default_records"),
)


class LibraryMismatchError(HeroldError):
    """The libraries installed are not those that this code overrides."""


def find_version_problems(get_version: Callable[[str], str] = version) -> list[str]:
    """Which pinned distributions are installed in another version; empty if none."""
    found = {name: get_version(name) for name in PINNED_VERSIONS}
    return [f"{name} is {found[name]}, wanted {wanted}" for name, wanted in PINNED_VERSIONS.items() if found[name] != wanted]


def find_extension_problems(extensions: Iterable[tuple[str, str, str]] = C_EXTENSIONS) -> list[str]:
    """Which C extensions are missing or switched off; empty if none."""
    wrong = []
    for module, attribute, compiled in extensions:
        origin = getattr(getattr(import_module(module), attribute, None), "__module__", "")
        if origin != compiled:
            wrong.append(f"{module}.{attribute} is not the compiled one of {compiled}")
    return wrong


def require_libraries() -> None:
    """Raises EngineWrong with every problem and what to do."""
    wrong = [*find_version_problems(), *find_extension_problems()]
    if wrong:
        advice = "install requirements.lock again and unset NO_CYTHON"
        raise LibraryMismatchError("\n".join([*wrong, advice]))


def find_partition_problems(topics: Iterable[str], partitions: int, partition_counts: Mapping[str, int]) -> list[str]:
    """Which topics are missing or have another number of partitions; `found` holds the number for each topic there is."""
    wrong = []
    for topic in topics:
        if topic not in partition_counts:
            wrong.append(f"{topic}: missing")
        elif partition_counts[topic] != partitions:
            wrong.append(f"{topic}: {partition_counts[topic]} partitions, wanted {partitions}")
    return wrong


def require_partition_counts(topics: Iterable[str], partitions: int, partition_counts: Mapping[str, int]) -> None:
    """Raises TopicsWrong. With unequal counts a user's records and rows would be on different partitions, and state split in silence."""
    wrong = find_partition_problems(topics, partitions, partition_counts)
    if wrong:
        advice = "`herold topics apply` creates what is missing; the number of partitions of a topic in use is never changed"
        raise TopicMismatchError("\n".join([*wrong, advice]))
