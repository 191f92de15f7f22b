"""The TypeScript client: its types are of the current document, it compiles, and it talks to a gateway, for which Node.js is needed."""

import os
import shutil
import subprocess
from typing import Any

import pytest

from dev.clients.typescript_client import CLIENT_DIR, install_packages, read_source_hash
from dev.reference.__main__ import COMMAND, OPENAPI_PATH, REFERENCE_DIR, hash_file

needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed: only the TypeScript client needs it")


def test_the_types_are_of_the_committed_document() -> None:
    """Needs no Node.js; what generates them does."""
    assert read_source_hash() == hash_file(REFERENCE_DIR / OPENAPI_PATH), f"run `{COMMAND}` and `python -m dev.clients`, commit the files"


@needs_node
def test_it_compiles_and_talks_to_a_gateway(gateway: Any) -> None:
    install_packages()
    env = {**os.environ, "HEROLD_URL": gateway.url, "HEROLD_API_KEY": gateway.api_key}
    result = subprocess.run(["npm", "test"], cwd=CLIENT_DIR, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "# skipped 0" in result.stdout
