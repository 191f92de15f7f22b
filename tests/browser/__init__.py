"""A package, so that its fixtures end with the last of its tests: a running installation costs the tests after it time."""
