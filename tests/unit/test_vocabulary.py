"""The words of the glossary's table "Words that are not used" are in no identifier, column, topic, setting or page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas import log_events, metrics, topics
from tables.yaml_parser import parse_yaml

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
ROOMS = ("schemas", "tables", "agents", "app", "dev", "tests")
THIS_FILE = Path(__file__).relative_to(ROOT).as_posix()

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
ROW = re.compile(r"^\| (?P<words>[a-z, ]+) \| (?P<instead>[^|]+) \| (?P<searched>[^|]+) \|$", re.MULTILINE)
DEAD_LETTER = re.compile(r"dead[_ -]?letter", re.IGNORECASE)
CODE_BLOCK = re.compile(r"^```json\n.*?^```", re.MULTILINE | re.DOTALL)


class UnusedWord(NamedTuple):
    """A row of the table for one word; `scope` limits the search to folders, `allowed` leaves files out."""

    word: str
    instead: str
    in_prose: bool
    scope: tuple[str, ...]
    allowed: tuple[str, ...]

    def is_searched(self, path: str) -> bool:
        """Whether a file is searched for the word."""
        return path.startswith(self.scope) and not (self.allowed and path.startswith(self.allowed))


def read_unused_words() -> list[UnusedWord]:
    """The table of the glossary."""
    table = GLOSSARY.read_text().partition("## Words that are not used")[2]
    words = []
    for row in ROW.finditer(table.partition("|---|---|---|")[2]):
        searched, _, exceptions = row["searched"].partition(" but ")
        allowed = tuple(re.sub(r" \(.*?\)", "", exceptions).split(", ")) if exceptions else ()
        is_general = searched in ("everywhere", "identifiers")
        scope = ("",) if is_general else tuple(searched.split(", "))
        words += [UnusedWord(word, row["instead"], searched == "everywhere", scope, allowed) for word in row["words"].split(", ")]
    return words


def list_files(*suffixes: str) -> Iterator[tuple[str, str]]:
    """The files of the rooms with these suffixes: path and text."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in suffixes and "__pycache__" not in name and name != THIS_FILE:
                yield name, path.read_text()


def split_words(text: str) -> set[str]:
    """The words of an identifier or a text, in lower case: snake_case and CamelCase are split, a dead letter is one word."""
    return {word.lower() for word in WORD.findall(DEAD_LETTER.sub("deadletter", text))}


def list_identifiers(source: str) -> Iterator[str]:
    """Every name that a Python file defines or uses as its own: classes, functions, parameters, variables, attributes, keywords."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


UNUSED_WORDS = read_unused_words()
PYTHON_FILES = dict(list_files(".py"))
IDENTIFIERS = {path: {word for name in list_identifiers(source) for word in split_words(name)} for path, source in PYTHON_FILES.items()}
IDENTIFIERS |= {path: split_words(re.sub(r"--.*|'[^']*'", "", text)) for path, text in list_files(".sql", ".lua")}
PROSE = {path: split_words(text) for path, text in [*PYTHON_FILES.items(), *list_files(".sql", ".lua", ".yml", ".html")]}
PAGES = {
    path.relative_to(ROOT).as_posix(): split_words(CODE_BLOCK.sub("", path.read_text()))
    for path in [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "faust.yml", ROOT / "Makefile"]
    if path != GLOSSARY
}


def test_the_table_is_read() -> None:
    assert {"lane", "twins", "told", "generation"} <= {word.word for word in UNUSED_WORDS}
    assert any(word.allowed for word in UNUSED_WORDS)
    assert len({word.word for word in UNUSED_WORDS}) == len(UNUSED_WORDS)


def test_each_exception_names_a_file_or_folder_that_is_there() -> None:
    for word in UNUSED_WORDS:
        assert all((ROOT / path).exists() for path in (*word.allowed, *word.scope)), word


def test_each_exception_is_needed() -> None:
    used = {(word.instead, path) for word in UNUSED_WORDS for path in word.allowed if is_used_below(word, path)}
    assert {(word.instead, path) for word in UNUSED_WORDS for path in word.allowed} - used == set()


def is_used_below(unused: UnusedWord, directory: str) -> bool:
    """Whether a text that would be searched without the exception has the word."""
    texts = [*IDENTIFIERS.items(), *((PROSE | PAGES).items() if unused.in_prose else ())]
    return any(path.startswith(directory) and unused.word in words for path, words in texts)


@pytest.mark.parametrize("unused", UNUSED_WORDS, ids=lambda unused: unused.word)
def test_an_unused_word_is_in_no_identifier(unused: UnusedWord) -> None:
    places = [path for path, words in IDENTIFIERS.items() if unused.word in words and unused.is_searched(path)]
    paths = [path for path in PYTHON_FILES if unused.word in split_words(path) and unused.is_searched(path)]
    assert places + paths == [], f"use {unused.instead}"


@pytest.mark.parametrize("unused", [word for word in UNUSED_WORDS if word.in_prose], ids=lambda unused: unused.word)
def test_an_unused_word_is_in_no_text(unused: UnusedWord) -> None:
    texts = PROSE | PAGES
    assert [path for path, words in texts.items() if unused.word in words and unused.is_searched(path)] == [], f"use {unused.instead}"


@pytest.mark.parametrize("unused", [word for word in UNUSED_WORDS if word.scope == ("",)], ids=lambda unused: unused.word)
def test_an_unused_word_is_in_no_topic_setting_metric_or_log_event(unused: UnusedWord) -> None:
    settings = parse_yaml((ROOT / "faust.yml").read_bytes())
    names = [topic.name for topic in topics.TOPICS]
    names += [f"{section} {key}" for section, keys in settings.items() for key in keys]
    names += [f"{metric.name} {' '.join(metric.labels)}" for metric in metrics.METRICS]
    names += log_events.LogEvent.__args__  # type: ignore[attr-defined]
    assert [name for name in names if unused.word in split_words(name)] == [], f"use {unused.instead}"


def test_a_word_is_found_in_snake_case_camel_case_and_text() -> None:
    assert split_words("lane_of LaneRule HTTPLane the lanes") == {"lane", "of", "rule", "http", "the", "lanes"}
