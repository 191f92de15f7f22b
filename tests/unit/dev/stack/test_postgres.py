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


def test_commits_are_durable() -> None:
    options = build_server_options(1234)
    assert options[::2] == ["-c"] * (len(options) // 2)
    assert {"port=1234", "fsync=on", "synchronous_commit=on", "listen_addresses=127.0.0.1"} <= set(options)


def test_the_servers_of_tests_do_not_wait_for_the_disk() -> None:
    options = build_server_options(1234, use_fsync=False)
    assert "fsync=off" in options
    assert {*options} - {"fsync=off"} == {*build_server_options(1234)} - {"fsync=on"}


def test_the_url_names_the_database() -> None:
    assert build_url(1234, "secret") == "postgresql://herold:secret@127.0.0.1:1234/postgres"
    assert build_url(1234, "secret", "history").endswith("/history")


def test_data_of_another_major_version_is_rejected_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("17\n")
    with pytest.raises(IncompatibleDataDirError, match=f"created by PostgreSQL 17, this is {MAJOR_VERSION}: move the directory away"):
        check_data_version(tmp_path)
    (tmp_path / "PG_VERSION").write_text(f"{MAJOR_VERSION}\n")
    check_data_version(tmp_path)


def build_fake_initdb(directory: Path, text: str) -> PostgresInstallation:
    (directory / "bin").mkdir()
    (directory / "bin" / "initdb").write_text(f"#!/bin/sh\n{text}\n")
    (directory / "bin" / "initdb").chmod(0o700)
    return PostgresInstallation(directory / "bin", directory / "postgres", None)


def test_init_creates_the_data_directory_atomically_and_deletes_the_password_file(tmp_path: Path) -> None:
    installation = build_fake_initdb(
        tmp_path, 'mkdir "$2"; for word; do case $word in --pwfile=*) cp "${word#--pwfile=}" "$2/password";; esac; done'
    )
    (installation.server_dir / "data.new").mkdir(parents=True)  # an earlier start was interrupted
    init_data_dir(installation, "secret")
    assert [path.name for path in installation.server_dir.iterdir()] == ["data"]
    assert (installation.data_dir / "password").read_text() == "secret"
    assert installation.server_dir.stat().st_mode & 0o777 == 0o700


def test_a_failed_init_leaves_no_data_directory_and_reports_the_cause(tmp_path: Path) -> None:
    installation = build_fake_initdb(tmp_path, 'mkdir "$2"; echo "disk full" >&2; exit 1')
    with pytest.raises(RuntimeError, match="initdb failed with code 1:\ndisk full"):
        init_data_dir(installation, "secret")
    assert not installation.data_dir.exists()


def test_a_server_of_another_uid_drops_all_groups(tmp_path: Path) -> None:
    assert PostgresInstallation(tmp_path, tmp_path, 65534).subprocess_user_args == {"user": 65534, "group": 65534, "extra_groups": []}
    assert PostgresInstallation(tmp_path, tmp_path, None).subprocess_user_args == {}
