"""The sources that are overridden or relied on are those this code was written for, and every one is where the list says."""

from inspect import isfunction
from pathlib import Path

import pytest

import app.streaming
from app.streaming.overrides import OVERRIDES, Override, fingerprint

HERE = Path(app.streaming.__path__[0])
CHANGED = "the library changed: read its new source, adapt the place, then take the new fingerprint (python -m app.streaming.overrides)"
LIBRARIES = ("faust", "aiokafka", "mode")


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda override: override.target)
def test_the_source_is_the_one_this_was_written_for(override: Override) -> None:
    assert fingerprint(override.target) == override.fingerprint, CHANGED


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda override: override.target)
def test_the_place_is_there_and_a_reason_is_given(override: Override) -> None:
    assert (HERE / f"{override.place}.py").is_file()
    assert override.reason


def test_no_target_is_listed_twice() -> None:
    targets = [override.target for override in OVERRIDES]
    assert len(targets) == len(set(targets))


@pytest.mark.parametrize("target", ["faust.no_such_module:x", "faust.streams:Stream.no_such_method"])
def test_what_is_gone_is_an_error(target: str) -> None:
    with pytest.raises(LookupError):
        fingerprint(target)


def test_every_overridden_private_method_is_listed() -> None:
    listed = {override.target.rpartition(".")[2].rpartition(":")[2] for override in OVERRIDES}
    for file in HERE.glob("*.py"):
        for name in _overridden(file.stem):
            assert name in listed, f"{file.name} overrides {name}, which overrides.py does not list"


def _overridden(module: str) -> list[str]:
    """The methods that classes of the module redefine from a class of one of the libraries."""
    found = []
    for thing in vars(__import__(f"app.streaming.{module}", fromlist=["x"])).values():
        if isinstance(thing, type) and thing.__module__ == f"app.streaming.{module}":
            bases = [base for base in thing.__mro__ if base.__module__.split(".")[0] in LIBRARIES]
            own = [name for name, value in vars(thing).items() if isfunction(value)]
            found += [name for name in own if any(name in vars(base) for base in bases)]
    return found
