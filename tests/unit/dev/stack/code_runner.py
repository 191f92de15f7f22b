"""`python -m tests.unit.dev.stack.code_runner CODE ...`: a service that runs the code."""

import sys

if __name__ == "__main__":
    exec(sys.argv[1])
