"""No regular expression of ours takes more than quadratic time: each gets long texts that nearly match. One that does hangs its test."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

LENGTH = 2000  # of cubic time one search takes more than a minute
WORDS = ("a", "A", "0", "é", "_", "a@", "a.", "1.", "+1 ", "http://a", "http://a/", "%41", "{{", "{% ", "<a ", "a=b;")
PIECES = (*WORDS, *' .-@/=,"\n', "//", ", ")
ENDS = ("", "!", "\0", "@", "\n")


def iterate_patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """The patterns of text in modules of Herold, also those whose methods have names of their own."""
    for room in ("schemas", "tables", "agents", "app"):
        package = importlib.import_module(room)
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            if found.name.rpartition(".")[2] in ("__main__", "main", "env") or ".versions." in found.name:
                continue  # they start something
            module: ModuleType = importlib.import_module(found.name)
            for name, value in vars(module).items():
                pattern = getattr(value, "__self__", value)
                if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
                    yield f"{found.name}.{name}", pattern


PATTERNS = {pattern.pattern: (name, pattern) for name, pattern in iterate_patterns()}


def test_there_are_patterns() -> None:
    assert len(PATTERNS) > 30


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", PATTERNS, ids=lambda text: PATTERNS[text][0])
def test_a_pattern_ends_soon(text: str) -> None:
    _, pattern = PATTERNS[text]
    for piece in PIECES:
        repeated = piece * (LENGTH // len(piece))
        for end in ENDS:
            pattern.search(repeated + end)
            pattern.fullmatch(repeated + end)
