"""The list of overrides is complete, and the library sources are those that this code was written for."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec, resolve_name
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest

import app.streaming
from app.streaming.library_overrides import OVERRIDES, Override, compute_fingerprint

STREAMING_DIR = Path(app.streaming.__path__[0])
ADVICE = (
    "the library changed: read its new source, adapt the module, then take the new fingerprint (python -m app.streaming.library_overrides)"
)
LIBRARIES = ("faust", "aiokafka", "mode")
WORD = re.compile(r"\w+")
PRIVATE = re.compile(r"_[a-z]\w*").fullmatch
OWN_NAMES = {"_compiled_policy", "_asdict", "_replace"}  # a field of a class in its own module; methods of every NamedTuple


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda override: override.target)
def test_the_source_is_the_one_this_was_written_for(override: Override) -> None:
    assert compute_fingerprint(override.target) == override.fingerprint, ADVICE


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda override: override.target)
def test_the_module_exists_and_a_reason_is_given(override: Override) -> None:
    name = override.module if override.module.startswith("..") else f".{override.module}"
    assert find_spec(resolve_name(name, app.streaming.__name__)) is not None
    assert override.reason


def test_no_target_is_listed_twice() -> None:
    targets = [override.target for override in OVERRIDES]
    assert len(targets) == len(set(targets))


@pytest.mark.parametrize("target", ["faust.no_such_module:x", "faust.streams:Stream.no_such_method"])
def test_a_missing_target_raises(target: str) -> None:
    with pytest.raises(LookupError):
        compute_fingerprint(target)


def test_every_override_of_a_class_is_listed() -> None:
    listed = {override.target.rpartition(":")[2] for override in OVERRIDES}
    for file in STREAMING_DIR.rglob("*.py"):
        for name, bases in _find_overridden(_get_module_name(file)):
            targets = {f"{base}.{name}" for base in bases}
            assert listed & targets, f"{file.name} overrides {name} of {bases}, which library_overrides does not list"


def _get_module_name(file: Path) -> str:
    return ".".join(("app", *file.relative_to(STREAMING_DIR.parent).with_suffix("").parts))


def _find_overridden(module: str) -> Iterator[tuple[str, list[str]]]:
    """The names that classes of the module override, each with the library classes that define it."""
    for cls in vars(import_module(module)).values():
        if isinstance(cls, type) and cls.__module__ == module:
            bases = [base for base in cls.__mro__[1:] if base.__module__.split(".")[0] in LIBRARIES]
            for name, value in vars(cls).items():
                defining_bases = [base.__name__ for base in bases if name in vars(base)]
                if defining_bases and _get_function(value).__module__ == cls.__module__:
                    yield name, defining_bases


def _get_function(value: Any) -> Any:
    """The function of a method, property or class method; for any other value `int`, whose module is none of ours."""
    function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return function if isfunction(function) else int


@pytest.mark.parametrize(
    "file",
    [*STREAMING_DIR.rglob("*.py"), *(file for room in ("api", "kafka") for file in (STREAMING_DIR.parent / room).rglob("*.py"))],
    ids=lambda file: str(file.relative_to(STREAMING_DIR.parent)),
)
def test_every_private_name_of_another_object_is_listed(file: Path) -> None:
    known = {word for override in OVERRIDES for word in _find_words(override)}
    assert _find_private_names(file) - known - OWN_NAMES == set()


def test_every_entry_names_the_module_that_overrides_the_method_or_uses_its_private_names() -> None:
    files = [*STREAMING_DIR.rglob("*.py"), *(file for room in ("api", "kafka") for file in (STREAMING_DIR.parent / room).rglob("*.py"))]
    used_anywhere = set().union(*map(_find_private_names, files))
    source_by_module = {_get_module_name(file): file.read_text() for file in files}
    for override in OVERRIDES:
        module = resolve_name(override.module if override.module.startswith("..") else f".{override.module}", app.streaming.__name__)
        names = _find_words(override) & used_anywhere
        words = set(WORD.findall(source_by_module[module]))
        is_overridden = f"def {override.target.rpartition('.')[2]}(" in source_by_module[module]
        assert not names or is_overridden or names & words, f"{module} does not use {sorted(names)} of {override.target}"


def _find_words(override: Override) -> set[str]:
    return set(WORD.findall(f"{override.target} {override.reason}"))


def _find_private_names(file: Path) -> set[str]:
    """The private names of other objects that a file reads or sets, and the functions whose defaults it sets."""
    attributes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute) and not _is_own(node.value)]
    names = {node.attr for node in attributes if PRIVATE(node.attr)}
    return names | {node.value.attr for node in attributes if node.attr == "__defaults__" and isinstance(node.value, ast.Attribute)}


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")
