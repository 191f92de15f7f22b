"""Outer keys come from the environment, a file or a KMS; an error names the setting and shows no key."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from app.encryption.outer_keys import build_local_keys, build_outer_keys
from app.encryption.section import EncryptionSection
from schemas.errors import SettingError
from schemas.sealing import OuterKeys

KEYS = [bytes([number]) * 32 for number in range(3)]
TEXTS = [b64encode(key).decode() for key in KEYS]
TOKEN = "hvs.canary"


def build(**changes: Any) -> OuterKeys | None:
    fields = {"enabled": False, "keys": "", "index_key": "", "kms_url": "", "kms_key": "herold", "kms_token": "", **changes}
    return build_outer_keys(EncryptionSection(**fields))


def wraps_with(outer_keys: OuterKeys | None, key_id: str, key: bytes) -> bool:
    """Whether the key with this id is this one."""
    assert outer_keys is not None
    wrapped = OuterKeys({key_id: key}, lambda count: b"n" * count).wrap("u", 1, b"d" * 32)
    return outer_keys.unwrap(key_id, "u", 1, wrapped) == b"d" * 32


def test_the_first_key_wraps_and_comments_and_empty_lines_do_not_count() -> None:
    one = build(keys=f"2026-b={TEXTS[0]}, 2026-a={TEXTS[1]}")
    other = build(keys=f"# since November\n2026-b={TEXTS[0]}\n\n2026-a = {TEXTS[1]}  # until then\n")
    for keys in (one, other):
        assert keys is not None
        assert keys.current_id == "2026-b"
        assert wraps_with(keys, "2026-b", KEYS[0])
        assert wraps_with(keys, "2026-a", KEYS[1])


def test_without_keys_nothing_is_sealed_unless_it_is_asked_for() -> None:
    assert build() is None
    with pytest.raises(SettingError, match=r"encryption\.keys: is empty: `herold encryption key`"):
        build(enabled=True)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"keys": TEXTS[0]}, "not id=key"),
        ({"keys": f"a b={TEXTS[0]}"}, "not id=key"),
        ({"keys": f"a={TEXTS[0]},a={TEXTS[1]}"}, "the id a is there twice"),
        ({"keys": "a=canary!"}, "not base64"),
        ({"keys": f"a={b64encode(b'canary').decode()}"}, "has 6 bytes and not 32"),
        ({"keys": f"a={TEXTS[0]}", "kms_url": "http://127.0.0.1:1"}, "encryption.kms_token: is empty"),
    ],
)
def test_an_error_names_the_setting_and_shows_no_key(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingError, match=problem) as raised:
        build(**changes)
    assert "canary" not in str(raised.value)
    assert TEXTS[0] not in str(raised.value)


def test_a_stack_on_one_machine_has_a_key_of_its_secrets() -> None:
    assert wraps_with(build(keys=build_local_keys("00" * 16, "01" * 16)), "local", bytes(16) + b"\1" * 16)
    assert build_local_keys("", "01" * 16) == ""


@contextmanager
def run_kms(status: int = 200, body: str | None = None) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A server with the API of the transit engine, which decrypts `vault:v1:<number>`; its URL and what it was asked."""
    requests: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["content-length"])))["ciphertext"]
            requests.append((self.path, self.headers["x-vault-token"]))
            answer = body or json.dumps({"data": {"plaintext": TEXTS[int(text.removeprefix("vault:v1:"))]}})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *values: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_kms_decrypts_the_outer_keys() -> None:
    with run_kms() as (url, requests):
        keys = build(keys="new=vault:v1:1,old=vault:v1:2", kms_url=url, kms_key="people", kms_token=TOKEN)
    assert wraps_with(keys, "new", KEYS[1])
    assert wraps_with(keys, "old", KEYS[2])
    assert requests == 2 * [("/v1/transit/decrypt/people", TOKEN)]


@pytest.mark.parametrize(
    ("status", "body", "problem"), [(403, "{}", "answered 403"), (200, "{}", "no decrypted key"), (200, "canary", "no decrypted key")]
)
def test_a_kms_that_gives_no_key_stops_the_start(status: int, body: str, problem: str) -> None:
    with run_kms(status, body) as (url, _), pytest.raises(SettingError, match=problem) as raised:
        build(keys="a=vault:v1:1", kms_url=url, kms_token=TOKEN)
    assert TOKEN not in str(raised.value)
    with pytest.raises(SettingError, match="does not answer"):
        build(keys="a=vault:v1:1", kms_url=url, kms_token=TOKEN)
