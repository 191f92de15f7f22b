"""Runs the tests of a module twice: with the columns of users in plain, and sealed.

A module uses the fixture `sealing_mode`.
"""

import os
import time
from base64 import b64encode

import pytest

from schemas.blind_index import BlindIndex
from schemas.channels import ChannelName
from schemas.sealing import KEY_BYTES, OuterKeys
from tables.postgres.column_sealing import ColumnSealing
from tables.postgres.project_sealing import ProjectSealing

OUTER_KEY, INDEX_KEY = b"o" * KEY_BYTES, b"i" * KEY_BYTES
INDEX, OUTER_KEYS = BlindIndex(INDEX_KEY), OuterKeys({"test": OUTER_KEY}, os.urandom)
SEALED_ENV = {
    "HEROLD_ENCRYPTION_ENABLED": "true",
    "HEROLD_ENCRYPTION_KEYS": f"test={b64encode(OUTER_KEY).decode()}",
    "HEROLD_ENCRYPTION_INDEX_KEY": b64encode(INDEX_KEY).decode(),
}


@pytest.fixture(params=["plain", "sealed"])
def sealing_mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the databases, gateways and commands of a test do with columns."""
    if request.param == "sealed":
        for name, value in SEALED_ENV.items():
            monkeypatch.setenv(name, value)
    return str(request.param)


def build_column_sealing(*, enabled: bool = True) -> ColumnSealing:
    """How columns are sealed with the keys of tests."""
    return ColumnSealing(OUTER_KEYS, INDEX, ProjectSealing(enabled, time.monotonic), os.urandom)


def list_sealing_env() -> dict[str, str]:
    """The settings of the mode of the test."""
    return {name: value for name in SEALED_ENV if (value := os.environ.get(name))}


def store_address(channel: ChannelName, address: str) -> str:
    """An address as the column of a suppression has it in the mode of the test."""
    return INDEX.compute(channel, address) if list_sealing_env() else address
