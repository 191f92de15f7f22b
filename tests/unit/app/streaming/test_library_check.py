"""A worker does not start with other library versions or without C extensions."""

from importlib.metadata import version

import pytest

from app.streaming.library_check import (
    C_EXTENSIONS,
    PINNED_VERSIONS,
    find_extension_problems,
    find_version_problems,
    require_libraries,
)


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
