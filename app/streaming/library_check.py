"""Checks at the start of a worker that its libraries are those that this code overrides: versions and C extensions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import version

from schemas.errors import HeroldError

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
