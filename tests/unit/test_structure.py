"""The code keeps its shape: short functions, short files, no import cycle, and every word of a file name leads to its content."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "tables", "agents", "app", "dev")
MAX_FUNCTION_LINES = 40
MAX_FILE_LINES = 300

FILES = {path.relative_to(ROOT).as_posix(): path.read_text() for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}


def get_module_name(path: str) -> str:
    """The dotted name of a file's module."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {get_module_name(path): ast.parse(source) for path, source in FILES.items()}


def list_imports(module: str) -> Iterator[str]:
    """The modules of ours that a module imports when it is imported itself; imports inside functions are left out."""
    for node in MODULES[module].body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (name for alias in node.names if (name := f"{node.module}.{alias.name}") in MODULES)
            if node.module in MODULES:
                yield node.module


def find_cycle(imports: dict[str, set[str]]) -> list[str]:
    """A chain of modules that imports itself, or nothing."""
    finished: set[str] = set()

    def visit(module: str, chain: list[str]) -> list[str]:
        if module in chain:
            return [*chain[chain.index(module) :], module]
        if module in finished:
            return []
        for imported in sorted(imports.get(module, ())):
            if cycle := visit(imported, [*chain, module]):
                return cycle
        finished.add(module)
        return []

    return next((cycle for module in imports if (cycle := visit(module, []))), [])


def test_no_module_imports_itself_over_others() -> None:
    assert find_cycle({module: set(list_imports(module)) - {module} for module in MODULES}) == []


def test_a_cycle_would_be_found() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_short(path: str) -> None:
    assert FILES[path].count("\n") <= MAX_FILE_LINES


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short(module: str) -> None:
    functions = [node for node in ast.walk(MODULES[module]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def test_each_decision_has_a_number_of_its_own() -> None:
    files = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    headings = [int(path.read_text().removeprefix("# ").partition(".")[0]) for path in files]
    assert headings == [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))


def test_a_cancellation_is_never_lost() -> None:
    """Before Python 3.12 `asyncio.wait_for` returns a result instead if its work ends at that moment (python/cpython, issue 86296)."""
    assert [path for path, source in FILES.items() if "asyncio.wait_for(" in source] == [], "use asyncio.timeout"
