"""`python -m dev.dashboard` builds the dashboard into app/static/dashboard, which is committed: to run Herold needs no Node.js.

With `--check` it checks types and style and runs the tests instead; the exit code is 1 if something is wrong.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.dashboard.node import find_node, install_node, run_npm
from dev.dashboard.sources import SOURCE_DIRECTORY, write_hashes


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, or check."""
    parser = argparse.ArgumentParser(prog="python -m dev.dashboard", description=__doc__)
    parser.add_argument("--check", action="store_true", help="check types and style, and run the tests, without a build")
    options = parser.parse_args(arguments)
    commands = find_node() or install_node(Path(sys.prefix) / "node")
    try:
        run_npm(commands, SOURCE_DIRECTORY, "ci", "--no-audit", "--no-fund")
        for script in ("check", "test") if options.check else ("build",):
            run_npm(commands, SOURCE_DIRECTORY, "run", script)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd)} failed; its output is above", file=sys.stderr)
        return 1
    if not options.check:
        write_hashes()
    return 0


if __name__ == "__main__":
    sys.exit(main())
