"""The types of the TypeScript client, written by openapi-typescript. Node.js is needed to write them, never to run Herold."""

import re
import shutil
import subprocess
from pathlib import Path

CLIENT_DIR = Path(__file__).resolve().parents[2] / "clients" / "typescript"
TYPES_PATH = CLIENT_DIR / "src" / "schema.d.ts"
OPTIONS = ("--default-non-nullable", "false", "--empty-objects-unknown")
_find_hash = re.compile(r"sha256:([0-9a-f]{64})").search


def has_node() -> bool:
    """Whether Node.js is installed."""
    return shutil.which("npm") is not None


def read_source_hash() -> str:
    """The SHA-256 of the OpenAPI document that the types were written from; empty without types."""
    match = _find_hash(TYPES_PATH.read_text()[:500]) if TYPES_PATH.exists() else None
    return match[1] if match else ""


def install_packages() -> None:
    """Install the packages of package-lock.json, if they are not installed."""
    if not (CLIENT_DIR / "node_modules" / ".package-lock.json").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=CLIENT_DIR, check=True)


def write_types(document: Path, source_hash: str) -> None:
    """Write the types of a document, with its hash, which a test compares."""
    install_packages()
    command = [str(CLIENT_DIR / "node_modules" / ".bin" / "openapi-typescript"), str(document), *OPTIONS]
    types = subprocess.run(command, cwd=CLIENT_DIR, capture_output=True, text=True, check=True).stdout
    header = f"// Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit.\n// sha256:{source_hash}\n"
    TYPES_PATH.write_text(header + types)
