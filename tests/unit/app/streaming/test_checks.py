"""A worker refuses to start on other libraries, without C extensions, or on topics with other partitions."""

from importlib.metadata import version

import pytest

from app.streaming.checks import (
    EXTENSIONS,
    PINS,
    demand_engine,
    demand_partitions,
    extension_problems,
    partition_problems,
    version_problems,
)
from schemas.errors import TopicsWrong


def test_what_is_installed_here_is_right() -> None:
    demand_engine()


@pytest.mark.parametrize("name", PINS)
def test_another_version_is_named(name: str) -> None:
    found = version_problems(lambda each: "9.9.9" if each == name else version(each))
    assert found == [f"{name} is 9.9.9, wanted {PINS[name]}"]


def test_every_extension_is_the_compiled_one() -> None:
    assert extension_problems() == []


@pytest.mark.parametrize(("module", "attribute", "compiled"), EXTENSIONS)
def test_a_pure_python_twin_is_named(module: str, attribute: str, compiled: str) -> None:
    assert extension_problems([(module, attribute, compiled + ".other")]) == [
        f"{module}.{attribute} is not the compiled one of {compiled}.other"
    ]


def test_a_missing_extension_is_named() -> None:
    assert extension_problems([("faust.streams", "_NoSuchThing", "faust._cython.streams")]) != []


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
    assert partition_problems(["a", "b"], 4, found) == wrong


def test_wrong_topics_are_refused_with_what_to_do() -> None:
    demand_partitions(["a"], 4, {"a": 4})
    with pytest.raises(TopicsWrong, match=r"a: 8 partitions, wanted 4\n`herold topics apply`"):
        demand_partitions(["a"], 4, {"a": 8})
