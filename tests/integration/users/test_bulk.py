"""`herold users` and `herold preferences` import and export, on a real database."""

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import Result
from redis import Redis

from app.admin.bulk import importer
from tables.redis.keys import PROFILE
from tests.column_sealing import list_sealing_env
from tests.herold_runner import build_herold_runner

pytestmark = pytest.mark.usefixtures("sealing_mode")

Run = Callable[..., Result]
USERS_CSV = """id,email,sms,locale,time_zone,quiet_hours,attribute.plan,devices
u-1,Ada@Example.org,+43 664 1234567,de-AT,Europe/Vienna,22:00-07:00,pro,token-1
"u-2, the second","[""b@example.org"", ""B@example.org"", ""c@example.org""]",,en,,,,
u-3,,,,,,,"[{""token"": ""token-3"", ""platform"": ""ios""}]"
"""


@pytest.fixture
def run(tmp_path: Path, database_copy_url: str, redis_url: str, prefix: str) -> Run:
    env = {"DATABASE_URL": database_copy_url, "REDIS_URL": redis_url, "HEROLD_KAFKA_TOPIC_PREFIX": prefix}
    herold = build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_REDIS_SOCKET_TIMEOUT="30", **env)

    def run_command(command: str, *args: object, exit_code: int = 0) -> Result:
        result = herold(*command.split(), *map(str, args))
        assert result.exit_code == exit_code, result.output
        return result

    return run_command


def fetch(url: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""

    async def run_query() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        rows = [tuple(row) for row in await connection.fetch(query)]
        await connection.close()
        return rows

    return asyncio.run(run_query())


@pytest.fixture
def empty_users(database_copy_url: str) -> None:
    fetch(database_copy_url, "delete from users")


def write(path: Path, text: str | bytes) -> Path:
    """A file with this text."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def run_json(run: Run, command: str, *args: object, exit_code: int = 0) -> dict[str, Any]:
    """The result of an import."""
    result: dict[str, Any] = json.loads(run(command, *args, "--json", exit_code=exit_code).stdout)
    del result["seconds"]
    return result


def build_counts(created: int = 0, changed: int = 0, unchanged: int = 0, invalid: int = 0) -> dict[str, int]:
    """The result of an import with these counts."""
    return {"created": created, "changed": changed, "unchanged": unchanged, "invalid": invalid}


@pytest.mark.usefixtures("empty_users")
def test_users_are_created_then_changed_and_exported_as_they_were(run: Run, tmp_path: Path, database_copy_url: str) -> None:
    file = write(tmp_path / "users.csv", "\ufeff" + USERS_CSV)
    assert run_json(run, "users import", file) == build_counts(created=3)
    versions = fetch(database_copy_url, "select id, version from users order by id")
    assert run_json(run, "users import", file) == build_counts(unchanged=3)
    assert fetch(database_copy_url, "select id, version from users order by id") == versions
    rows = fetch(database_copy_url, "select id, addresses ->> 'email', attributes ->> 'plan' from users order by id")
    if not list_sealing_env():
        assert rows[:2] == [("u-1", '["Ada@example.org"]', "pro"), ("u-2, the second", '["b@example.org", "c@example.org"]', None)]

    lines = write(tmp_path / "users.jsonl", '{"id": "u-1", "tier": "gold"}\n\n{"id": "u-4", "quiet_hours": null}\n')
    assert run_json(run, "users import", lines) == build_counts(created=1, changed=1)
    for name in ("out.csv", "out.jsonl"):
        run("users export", "--output", tmp_path / name)
        before = (tmp_path / name).read_text()
        assert run_json(run, "users import", tmp_path / name) == build_counts(unchanged=4)
        fetch(database_copy_url, "delete from users")
        assert run_json(run, "users import", tmp_path / name) == build_counts(created=4)
        assert run("users export", "--format", name.partition(".")[2]).stdout == before
    user = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert (user["tier"], user["locale"], user["quiet_hours"]) == ("gold", "de-AT", {"start": "22:00", "end": "07:00"})
    assert [entry[0] for entry in fetch(database_copy_url, "select distinct action from audit_log where object_type = 'users'")] == [
        "import"
    ]


@pytest.mark.usefixtures("empty_users")
def test_what_is_wrong_is_reported_by_line_and_field_and_nothing_is_changed(run: Run, tmp_path: Path, database_copy_url: str) -> None:
    lines = [
        b"id;email;time_zone;quiet_hours;attributes",
        b"u-1;a@example.org;UTC;;",
        b"u-2;nobody;Europe/Viena;22:00;{",
        "u-3;j\u00fcrgen@example.org;;22:00;".encode("latin-1"),
        b"u-1;b@example.org;;;",
        b'u-4;"a\nb@example.org;;;"',
        b"u-5;too;few",
        b"topic:news;;;;",
    ]
    file = write(tmp_path / "users.csv", b"\n".join(lines))
    result = run("users import", file, "--errors", tmp_path / "errors.csv", exit_code=1)
    problems = [tuple(row) for row in csv.reader((tmp_path / "errors.csv").read_text().splitlines())]
    assert problems[0] == ("line", "field", "problem")
    expected = [(3, ""), (4, "email"), (5, ""), (6, ""), (8, ""), (9, "id")]
    assert [(int(line), field) for line, field, _ in problems[1:]] == expected
    texts = {int(line): text for line, _, text in problems[1:]}
    assert "0xfc" in texts[4]
    assert "UTF-8" in texts[4]
    assert "u-1 is in line 2 already" in texts[5]
    assert "cells" in texts[8]
    assert f"{file}:4: email: is not UTF-8" in result.stderr
    assert result.stdout.split()[:4] == ["valid", "1", "invalid", "6"]
    assert "nothing was changed" in result.stderr
    assert fetch(database_copy_url, "select id from users") == []
    assert run_json(run, "users import", file, "--skip-invalid", exit_code=1) == build_counts(created=1, invalid=6)
    assert fetch(database_copy_url, "select id from users") == [("u-1",)]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "id,mail\n", "'mail' is not a known column"),
        ("a.csv", "email\n", "no column id"),
        ("a.csv", "id,id\n", "there twice"),
        ("a.csv", "", "no column id"),
        ("a.csv", "id\n".encode("utf-16"), "UTF-16"),
        ("a.csv", "id,email\nu-1,nobody\n", "a.csv:2: email[0]: not an e-mail address"),
        ("a.jsonl", '{"id": "u-1", "tier": 7}\n', "a.jsonl:1: tier: must be a string"),
        ("a.jsonl", '{"id": "u-1"\n', "a.jsonl:1: is not JSON"),
        ("a.jsonl", b'{"id": "u\xe4"}\n', "a.jsonl:1: is not UTF-8 (byte 0xe4 at position 10)"),
        ("a.jsonl", '{"id": "u-1", "addresses": {"sms": "0664"}}\n', "a.jsonl:1: addresses.sms: "),
        ("a.jsonl", '{"id": "u-1", "time_zone": "CEST"}\n', "a.jsonl:1: time_zone: there is no time zone 'CEST'"),
        ("a.jsonl", '{"id": "u-1", "devices": [{"token": "a b"}]}\n', "a.jsonl:1: devices[0].token: "),
        ("a.jsonl", '{"id": "' + "x" * 1_100_000 + '"}\n', "a.jsonl:1: is longer than"),
    ],
)
def test_a_file_that_cannot_be_imported_says_where_and_why(run: Run, tmp_path: Path, name: str, text: str | bytes, words: str) -> None:
    assert words in run("users import", write(tmp_path / name, text), exit_code=1).stderr


@pytest.mark.usefixtures("empty_users")
def test_an_interrupted_import_goes_on_where_it_stopped(
    run: Run, tmp_path: Path, database_copy_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "CHUNK_SIZE", 10)
    ids = [f"u-{number:03}" for number in range(95)]
    file = write(tmp_path / "users.csv", "\n".join(["id", *ids, "u-004"]))
    blocker = "create function fail() returns trigger language plpgsql as $$ begin raise admin_shutdown; end $$;"
    blocker += "create trigger fail before insert on users for each row when (new.id = 'u-055') execute function fail()"
    fetch(database_copy_url, blocker.partition("create trigger")[0])
    fetch(database_copy_url, "create trigger" + blocker.partition("create trigger")[2])
    run("users import", file, "--skip-invalid", exit_code=4)
    assert len(fetch(database_copy_url, "select id from users")) == 50
    fetch(database_copy_url, "drop trigger fail on users")
    result = run("users import", file, "--skip-invalid", exit_code=1)
    assert "going on after line 51" in result.stderr
    assert f"{file}:97: u-004 is in line 6 already" in result.stderr
    assert fetch(database_copy_url, "select id from users order by id") == [(user_id,) for user_id in ids]
    assert not (tmp_path / "users.csv.herold-state").exists()
    assert result.stdout.split()[:4] == ["created", "95", "invalid", "1"]


def test_a_file_that_has_changed_is_not_gone_on_with(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "users.csv", "id\nu-1\n")
    state = write(tmp_path / "users.csv.herold-state", '{"kind": "users", "fingerprint": "3-x", "line": 2}')
    assert f"remove {state}" in run("users import", file, exit_code=1).stderr.replace("\n       ", " ")
    state.write_text("{")
    assert "is damaged" in run("users import", file, exit_code=1).stderr


@pytest.mark.usefixtures("empty_users")
def test_preferences_are_imported_with_their_history(run: Run, tmp_path: Path, database_copy_url: str) -> None:
    run("users import", write(tmp_path / "users.csv", "id\nu-1\nu-2\n"))
    text = "user_id,category,channel,choice,digest\nu-1,marketing,email,out,\nu-1,,,in,daily\nu-2,marketing,,out,\n"
    file = write(tmp_path / "preferences.csv", text)
    assert run_json(run, "preferences import", file, "--dry-run") == {"dry_run": True, "valid": 3, "invalid": 0}
    assert fetch(database_copy_url, "select * from user_preferences") == []
    assert run_json(run, "preferences import", file) == build_counts(changed=3)
    assert run_json(run, "preferences import", file) == build_counts(unchanged=3)
    events = fetch(database_copy_url, "select user_id, change, source, reason from consent_events order by user_id, category")
    assert events == [(user, "preference_set", "import", "preferences.csv") for user in ("u-1", "u-1", "u-2")]
    for name in ("out.csv", "out.jsonl"):
        run("preferences export", "--output", tmp_path / name)
        assert run_json(run, "preferences import", tmp_path / name) == build_counts(unchanged=3)
    assert sorted((tmp_path / "out.csv").read_text().splitlines()) == sorted(text.splitlines())


@pytest.mark.usefixtures("empty_users")
def test_a_preference_of_nobody_or_for_no_category_changes_nothing(run: Run, tmp_path: Path, database_copy_url: str) -> None:
    run("users import", write(tmp_path / "users.csv", "id\nu-1\n"))
    rows = [
        "user_id,category,choice,channel,digest",
        "u-1,marketing,out,,",
        "u-1,markting,out,,",
        "nobody,marketing,out,,",
        "u-1,marketing,in,,",
        "u-1,security,no,,",
        "u-1,security,in,email,daily",
    ]
    result = run("preferences import", write(tmp_path / "p.csv", "\n".join(rows)), exit_code=1)
    for words in (
        "p.csv:3: category: no rule has the category 'markting'; the categories are: feedback, marketing, security, transactional",
        "p.csv:4: user_id: there is no such user",
        "p.csv:5: u-1 marketing is in line 2 already",
        "p.csv:6: choice: 'no' is not one of in, out",
        "p.csv:7: digest: is for all channels",
    ):
        assert words in result.stderr
    assert fetch(database_copy_url, "select * from user_preferences") == []


def test_cached_profiles_of_imported_users_are_deleted(run: Run, tmp_path: Path, redis_url: str, prefix: str) -> None:
    redis = Redis.from_url(redis_url)
    for user_id in ("u-1", "u-2"):
        redis.set(PROFILE.build_key(prefix, user_id), b"{}")
    run("users import", write(tmp_path / "users.csv", "id\nu-1\n"))
    assert redis.get(PROFILE.build_key(prefix, "u-1")) != redis.get(PROFILE.build_key(prefix, "u-2")) == b"{}"
    redis.close()
