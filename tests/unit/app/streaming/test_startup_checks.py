"""A worker does not start with other library versions, without C extensions, or on topics with another partition count."""

from importlib.metadata import version

import pytest

from app.streaming.startup_checks import (
    C_EXTENSIONS,
    PINNED_VERSIONS,
    find_extension_problems,
    find_partition_problems,
    find_version_problems,
    require_libraries,
    require_partition_counts,
)
from schemas.errors import TopicMismatchError


def test_the_installed_libraries_pass() -> None:
    require_libraries()


@pytest.mark.parametrize("name", PINNED_VERSIONS)
def test_another_version_is_reported(name: str) -> None:
    problems = find_version_problems(lambda distribution: "9.9.9" if distribution == name else version(distribution))
    assert problems == [f"{name} is 9.9.9, expected {PINNED_VERSIONS[name]}"]


def test_every_extension_is_compiled() -> None:
    assert find_extension_problems() == []


@pytest.mark.parametrize(("module", "attribute", "compiled"), C_EXTENSIONS)
def test_a_pure_python_implementation_is_reported(module: str, attribute: str, compiled: str) -> None:
    assert find_extension_problems([(module, attribute, compiled + ".other")]) == [
        f"{module}.{attribute} is not the compiled one of {compiled}.other"
    ]


def test_a_missing_extension_is_reported() -> None:
    assert find_extension_problems([("faust.streams", "_NoSuchThing", "faust._cython.streams")]) != []


@pytest.mark.parametrize(
    ("partition_counts", "problems"),
    [
        ({"a": 4, "b": 4}, []),
        ({"a": 4, "b": 4, "other": 9}, []),
        ({"a": 4}, ["b: missing"]),
        ({"a": 4, "b": 8}, ["b: 8 partitions, expected 4 (kafka.topic_partitions)"]),
        ({}, ["a: missing", "b: missing"]),
    ],
)
def test_topics_that_are_missing_or_have_another_partition_count_are_reported(
    partition_counts: dict[str, int], problems: list[str]
) -> None:
    assert find_partition_problems(["a", "b"], 4, partition_counts) == problems


def test_wrong_topics_raise_an_error_with_advice() -> None:
    require_partition_counts(["a"], 4, {"a": 4})
    with pytest.raises(TopicMismatchError, match=r"a: 8 partitions, expected 4 \(kafka.topic_partitions\)\n`herold topics apply`"):
        require_partition_counts(["a"], 4, {"a": 8})
