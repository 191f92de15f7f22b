from pathlib import Path

from dev.stack.valkey import build_url, prepare_service


def test_the_password_is_in_a_private_file_and_not_in_the_arguments(tmp_path: Path) -> None:
    service = prepare_service(tmp_path, 1234, "secret")
    file = tmp_path / "valkey.conf"
    assert service.argv[1:] == (str(file),)
    assert file.stat().st_mode & 0o777 == 0o600
    assert {"bind 127.0.0.1", "port 1234", "requirepass secret", "appendonly yes"} <= set(file.read_text().splitlines())
    assert (tmp_path / "valkey").is_dir()


def test_the_url_contains_the_password() -> None:
    assert build_url(1234, "secret") == "redis://:secret@127.0.0.1:1234/0"
