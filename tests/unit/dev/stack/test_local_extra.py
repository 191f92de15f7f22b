"""Without the extra `local` the import of dev.stack fails with the command that installs it."""

import importlib.util
import runpy

import pytest

import dev.stack

find_spec = importlib.util.find_spec


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "jgo" else find_spec(name))
    with pytest.raises(ImportError, match=r"not installed \(missing: jgo\); run `pip install herold\[local\]`"):
        runpy.run_path(str(dev.stack.__file__))
