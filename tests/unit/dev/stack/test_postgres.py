from pathlib import Path

import pytest

from dev.stack.postgres import (
    MAJOR_VERSION,
    IncompatibleDataDirError,
    PostgresInstallation,
    build_server_options,
    build_url,
    check_data_version,
    init_data_dir,
)


def test_what_is_committed_is_on_the_disk() -> None:
    words = build_server_options(1234)
    assert words[::2] == ["-c"] * (len(words) // 2)
    assert {"port=1234", "fsync=on", "synchronous_commit=on", "listen_addresses=127.0.0.1"} <= set(words)


def test_the_url_names_the_database() -> None:
    assert build_url(1234, "secret") == "postgresql://herold:secret@127.0.0.1:1234/postgres"
    assert build_url(1234, "secret", "history").endswith("/history")


def test_data_of_another_major_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("17\n")
    with pytest.raises(IncompatibleDataDirError, match=f"made by PostgreSQL 17, this is {MAJOR_VERSION}: move it away"):
        check_data_version(tmp_path)
    (tmp_path / "PG_VERSION").write_text(f"{MAJOR_VERSION}\n")
    check_data_version(tmp_path)


def build_fake_initdb(folder: Path, text: str) -> PostgresInstallation:
    (folder / "bin").mkdir()
    (folder / "bin" / "initdb").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "bin" / "initdb").chmod(0o700)
    return PostgresInstallation(folder / "bin", folder / "postgres", None)


def test_init_makes_the_data_folder_in_one_step_and_keeps_no_password(tmp_path: Path) -> None:
    place = build_fake_initdb(tmp_path, 'mkdir "$2"; for word; do case $word in --pwfile=*) cp "${word#--pwfile=}" "$2/given";; esac; done')
    (place.server_dir / "data.new").mkdir(parents=True)  # an earlier start was cut off
    init_data_dir(place, "secret")
    assert [path.name for path in place.server_dir.iterdir()] == ["data"]
    assert (place.data_dir / "given").read_text() == "secret"
    assert place.server_dir.stat().st_mode & 0o777 == 0o700


def test_an_init_that_fails_leaves_no_data_folder_and_tells_why(tmp_path: Path) -> None:
    place = build_fake_initdb(tmp_path, 'mkdir "$2"; echo "disk full" >&2; exit 1')
    with pytest.raises(RuntimeError, match="initdb failed with code 1:\ndisk full"):
        init_data_dir(place, "secret")
    assert not place.data_dir.exists()


def test_a_server_of_another_uid_drops_all_groups(tmp_path: Path) -> None:
    assert PostgresInstallation(tmp_path, tmp_path, 65534).subprocess_user_args == {"user": 65534, "group": 65534, "extra_groups": []}
    assert PostgresInstallation(tmp_path, tmp_path, None).subprocess_user_args == {}
