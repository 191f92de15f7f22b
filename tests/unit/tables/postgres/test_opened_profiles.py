"""Rows of profiles are opened as if nothing were sealed, and what cannot be opened is sent nowhere."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from schemas.errors import UnavailableError, UnknownDataKeyError
from schemas.sealed_columns import PrivateUser, seal_device, seal_user
from schemas.sealing import Sealer
from tables.postgres.opened_profiles import is_sealed, open_row
from tests.column_sealing import INDEX
from tests.sealers import build_sealer

PRIVATE = PrivateUser({"email": ["ada@example.org"]}, {"plan": "pro"})
PLAIN = {"id": "u-42", "sealed": None, "addresses": "{}", "attributes": "{}", "devices": ["a b", "fid:c"]}


def seal_token(token: str, sealer: Sealer, prefix: str = "") -> str:
    """A device as the query gives it."""
    stored = INDEX.compute_device(token)
    return f"{prefix}{stored} {b64encode(seal_device(stored, token, sealer)).decode()}"


def build_row(sealer: Sealer, **columns: Any) -> dict[str, Any]:
    """The row of a sealed user with two devices and one in plain."""
    devices = [seal_token("t-1", sealer), seal_token("f-1", sealer, "fid:"), "plain one"]
    return {**PLAIN, "sealed": seal_user("u-42", PRIVATE, sealer), "devices": devices, **columns}


def test_a_row_in_plain_is_as_it_was() -> None:
    assert not is_sealed(PLAIN)
    assert open_row(PLAIN, {}, is_fresh=False) is PLAIN


def test_a_sealed_row_is_opened_with_its_devices() -> None:
    sealer = build_sealer()
    row = build_row(sealer)
    assert is_sealed(row)
    opened = open_row(row, {"u-42": sealer}, is_fresh=False)
    assert opened["sealed"] is None
    assert (msgspec.json.decode(opened["addresses"]), msgspec.json.decode(opened["attributes"])) == (PRIVATE.addresses, PRIVATE.attributes)
    assert opened["devices"] == ["t-1", "fid:f-1", "plain one"]
    only_device = open_row(build_row(sealer, sealed=None), {"u-42": sealer}, is_fresh=False)
    assert (only_device["addresses"], only_device["devices"][0]) == ("{}", "t-1")


def test_of_an_erased_user_or_broken_bytes_nothing_is_left() -> None:
    sealer = build_sealer()
    row = build_row(sealer)
    for other in (build_sealer("u-42", None), build_sealer()):
        opened = open_row(row, {"u-42": other}, is_fresh=True)
        assert (opened["addresses"], opened["attributes"], opened["devices"]) == ("{}", "{}", ["plain one"])
    broken = build_row(sealer, devices=[f"{INDEX.compute_device('t')} no base64"])
    assert open_row(broken, {"u-42": sealer}, is_fresh=False)["devices"] == []


def test_a_key_that_is_newer_than_the_cache_is_asked_for_and_no_key_is_an_outage() -> None:
    newer = build_sealer("u-42", None, b"k" * 32)
    row = build_row(newer)
    with pytest.raises(UnknownDataKeyError):
        open_row(row, {"u-42": build_sealer()}, is_fresh=False)
    opened = open_row(row, {"u-42": build_sealer()}, is_fresh=True)
    assert (opened["addresses"], opened["devices"]) == ("{}", [])
    with pytest.raises(UnavailableError):
        open_row(row, {}, is_fresh=True)
