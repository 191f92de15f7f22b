"""The sources that are overridden or relied on are those this code was written for, and every one is where the list says."""

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
from app.streaming.patches.registry import OVERRIDES, Override, compute_fingerprint

STREAMING_DIR = Path(app.streaming.__path__[0])
ADVICE = (
    "the library changed: read its new source, adapt the module, then take the new fingerprint (python -m app.streaming.patches.registry)"
)
LIBRARIES = ("faust", "aiokafka", "mode")
WORD = re.compile(r"\w+")
PRIVATE = re.compile(r"_[a-z]\w*").fullmatch
OWN_NAMES = {"_exit", "_compiled_policy"}  # os._exit, and a field of a class within its own module


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda override: override.target)
def test_the_source_is_the_one_this_was_written_for(override: Override) -> None:
    assert compute_fingerprint(override.target) == override.fingerprint, ADVICE


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda override: override.target)
def test_the_place_is_there_and_a_reason_is_given(override: Override) -> None:
    name = override.module if override.module.startswith("..") else f".{override.module}"
    assert find_spec(resolve_name(name, app.streaming.__name__)) is not None
    assert override.reason


def test_no_target_is_listed_twice() -> None:
    targets = [override.target for override in OVERRIDES]
    assert len(targets) == len(set(targets))


@pytest.mark.parametrize("target", ["faust.no_such_module:x", "faust.streams:Stream.no_such_method"])
def test_what_is_gone_is_an_error(target: str) -> None:
    with pytest.raises(LookupError):
        compute_fingerprint(target)


def test_everything_that_a_class_of_ours_overrides_is_listed() -> None:
    listed = {override.target.rpartition(":")[2] for override in OVERRIDES}
    for file in STREAMING_DIR.rglob("*.py"):
        for name, owners in _find_overridden(_get_module_name(file)):
            targets = {f"{owner}.{name}" for owner in owners}
            assert listed & targets, f"{file.name} overrides {name} of {owners}, which the registry does not list"


def _get_module_name(file: Path) -> str:
    return ".".join(("app", "streaming", *file.relative_to(STREAMING_DIR).with_suffix("").parts))


def _find_overridden(module: str) -> Iterator[tuple[str, list[str]]]:
    """What classes of the module redefine from classes of the libraries: its name, and the classes that define it there."""
    for thing in vars(import_module(module)).values():
        if isinstance(thing, type) and thing.__module__ == module:
            bases = [base for base in thing.__mro__[1:] if base.__module__.split(".")[0] in LIBRARIES]
            for name, value in vars(thing).items():
                owners = [base.__name__ for base in bases if name in vars(base)]
                if owners and _get_function(value).__module__ == thing.__module__:
                    yield name, owners


def _get_function(value: Any) -> Any:
    """The function behind a method, property or class method; what is none of them is no code of ours."""
    found = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return found if isfunction(found) else int


@pytest.mark.parametrize(
    "file",
    [*STREAMING_DIR.rglob("*.py"), *(STREAMING_DIR.parent / "api").rglob("*.py")],
    ids=lambda file: str(file.relative_to(STREAMING_DIR.parent)),
)
def test_every_private_name_of_another_object_is_listed(file: Path) -> None:
    known = {word for override in OVERRIDES for word in WORD.findall(f"{override.target} {override.reason}")}
    tree = ast.parse(file.read_text())
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and not _is_own(node.value)]
    used = {node.attr for node in attributes if PRIVATE(node.attr)}
    used |= {node.value.attr for node in attributes if node.attr == "__defaults__" and isinstance(node.value, ast.Attribute)}
    assert used - known - OWN_NAMES == set()


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")
