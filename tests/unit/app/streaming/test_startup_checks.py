"""A worker refuses to start on other libraries, without C extensions, or on topics with other partitions."""

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


def test_what_is_installed_here_is_right() -> None:
    require_libraries()


@pytest.mark.parametrize("name", PINNED_VERSIONS)
def test_another_version_is_named(name: str) -> None:
    found = find_version_problems(lambda each: "9.9.9" if each == name else version(each))
    assert found == [f"{name} is 9.9.9, wanted {PINNED_VERSIONS[name]}"]


def test_every_extension_is_the_compiled_one() -> None:
    assert find_extension_problems() == []


@pytest.mark.parametrize(("module", "attribute", "compiled"), C_EXTENSIONS)
def test_a_pure_python_implementation_is_named(module: str, attribute: str, compiled: str) -> None:
    assert find_extension_problems([(module, attribute, compiled + ".other")]) == [
        f"{module}.{attribute} is not the compiled one of {compiled}.other"
    ]


def test_a_missing_extension_is_named() -> None:
    assert find_extension_problems([("faust.streams", "_NoSuchThing", "faust._cython.streams")]) != []


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ({"a": 4, "b": 4}, []),
        ({"a": 4, "b": 4, "other": 9}, []),
        ({"a": 4}, ["b: missing"]),
        ({"a": 4, "b": 8}, ["b: 8 partitions, wanted 4"]),
        ({}, ["a: missing", "b: missing"]),
    ],
)
def test_topics_that_are_missing_or_of_another_width_are_named(found: dict[str, int], wrong: list[str]) -> None:
    assert find_partition_problems(["a", "b"], 4, found) == wrong


def test_wrong_topics_are_refused_with_what_to_do() -> None:
    require_partition_counts(["a"], 4, {"a": 4})
    with pytest.raises(TopicMismatchError, match=r"a: 8 partitions, wanted 4\n`herold topics apply`"):
        require_partition_counts(["a"], 4, {"a": 8})
