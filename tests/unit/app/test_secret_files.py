"""Each secret comes from a file as well, and no value of a file is shown."""

import re
from pathlib import Path
from typing import Any

import pytest

from app.secret_files import SECRETS
from app.settings import SETTINGS_FILE, load_settings
from schemas.errors import SettingError

VALUE = "f1le-secret"
TWO_ACCOUNTS = {"HEROLD_ACCOUNTS_EMAIL": "sendgrid, sendgrid-backup"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a secret."""
    (tmp_path / "secret").write_text(f"{VALUE}\n")
    return tmp_path / "secret"


def build_variable(path: str) -> str:
    """The environment variable of the file of a secret."""
    return f"HEROLD_{path.replace('.', '_').upper()}_FILE"


def find_value(settings: Any, path: str) -> Any:
    """The value at the path of a key."""
    for name in path.split("."):
        settings = settings[name] if isinstance(settings, dict) else getattr(settings, name)
    return settings


def list_secrets_of_the_file() -> set[str]:
    """The keys that faust.yml describes as secrets, except those with a line for a file of their own."""
    found: set[str] = set()
    names: list[str] = []
    text = SETTINGS_FILE.read_text()
    for line in text.splitlines():
        if match := re.match(r"( *)([a-z_]+):(.*)", line):
            names[len(match[1]) // 2 :] = [match[2]]
            if re.search(r"# .*\bsecret\b", match[3]) and f"{match[1]}{match[2]}_file:" not in text:
                found.add(".".join(names))
    return found


def test_what_the_file_describes_as_a_secret_is_one() -> None:
    assert list_secrets_of_the_file() == set(SECRETS)


@pytest.mark.parametrize("path", SECRETS)
def test_each_secret_can_come_from_a_file(file: Path, path: str) -> None:
    env = {build_variable(path): str(file)}
    if path.endswith(".url"):
        file.write_text("redis://x" if path == "redis.url" else "postgresql://x")
    if path.endswith("key_password"):  # else it has no effect
        env |= {"HEROLD_POSTGRES_TLS": "true", "REDIS_URL": "rediss://x"}
    assert find_value(load_settings(env), path) == file.read_text().strip()


def test_a_file_can_be_named_in_the_settings_file(file: Path, tmp_path: Path) -> None:
    changed = tmp_path / "faust.yml"
    changed.write_text(SETTINGS_FILE.read_text().replace('  api_key: ""', f'  api_key_file: {file}\n  api_key: ""', 1))
    assert load_settings({}, changed).gateway.api_key == VALUE


def test_a_labelled_account_has_the_secret_of_its_file_or_that_of_the_provider(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("0ther")
    env = {**TWO_ACCOUNTS, "HEROLD_PROVIDERS_SENDGRID_API_KEY_FILE": str(file)}
    assert load_settings(env).providers["sendgrid-backup"]["api_key"] == VALUE
    env["HEROLD_PROVIDERS_SENDGRID_BACKUP_API_KEY_FILE"] = str(other)
    providers = load_settings(env).providers
    assert [providers[name]["api_key"] for name in ("sendgrid", "sendgrid-backup")] == [VALUE, "0ther"]
    assert "api_key_file" not in providers["sendgrid-backup"]


@pytest.mark.parametrize(
    ("content", "env", "problem"),
    [
        (VALUE, {"HEROLD_GATEWAY_API_KEY": "x"}, "gateway.api_key_file: is set besides gateway.api_key: set one"),
        ("", {}, "gateway.api_key_file: .*secret is empty"),
        (b"\xff\xfe", {}, "gateway.api_key_file: .*secret cannot be read: not UTF-8"),
        (None, {}, "gateway.api_key_file: .*secret cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: Any, env: dict[str, str], problem: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SettingError, match=problem) as raised:
        load_settings({**env, "HEROLD_GATEWAY_API_KEY_FILE": str(file)})
    assert VALUE not in str(raised.value)


def test_the_url_of_the_environment_excludes_that_of_a_file(file: Path) -> None:
    with pytest.raises(SettingError, match=r"postgres\.url_file: is set besides postgres\.url"):
        load_settings({"DATABASE_URL": "postgresql://x", "HEROLD_POSTGRES_URL_FILE": str(file)})


def test_what_is_not_a_secret_has_no_file(file: Path) -> None:
    with pytest.raises(SettingError, match="HEROLD_GATEWAY_HOST_FILE"):
        load_settings({"HEROLD_GATEWAY_HOST_FILE": str(file)})


def test_no_value_is_in_the_representation_of_settings() -> None:
    settings = load_settings({"HEROLD_GATEWAY_API_KEY": VALUE, "HEROLD_PROVIDERS_SENDGRID_API_KEY": VALUE, "HEROLD_LINKS_SECRET": VALUE})
    assert "api_key" in repr(settings.gateway)
    assert VALUE not in f"{settings} {settings.gateway!r} {settings.links}"
