"""`python -m tests.unit.app.local.told CODE ...`: a service that does what it is told."""

import sys

if __name__ == "__main__":
    exec(sys.argv[1])
