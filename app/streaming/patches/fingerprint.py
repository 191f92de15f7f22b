"""Computes fingerprints of library sources, by which a changed library is noticed."""

from __future__ import annotations

import ast
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import cast


def compute_fingerprint(target: str) -> str:
    """A hash of the source of `module:name`. It is read from the file, because the loaded object may be patched. Raises LookupError."""
    module, _, name = target.partition(":")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"no module {module}")
    source = Path(spec.origin).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(source)
    for part in name.split("."):
        node = _find_child(node, part, target)
    segment = ast.get_source_segment(source, cast(ast.stmt, node)) or ""
    return sha256(segment.encode()).hexdigest()[:12]


def _find_child(node: ast.AST, name: str, target: str) -> ast.AST:
    for child in ast.walk(node):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and child.name == name:
            return child
    raise LookupError(f"no {target}")
