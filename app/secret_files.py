"""Each secret of faust.yml can also come from a file: `<key>_file`, in the file or as HEROLD_<SECTION>_<KEY>_FILE, instead of `<key>`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.account_settings import INHERITED
from schemas.errors import SettingError

SECRETS = (
    "kafka.security.password",
    "kafka.security.key_password",
    "postgres.url",
    "postgres.password",
    "postgres.key_password",
    "redis.url",
    "redis.password",
    "redis.key_password",
    "worker.web_token",
    "worker.web_tls_key_password",
    "gateway.api_key",
    "gateway.tls_key_password",
    "auth.secret",
    "auth.oidc.client_secret",
    "links.secret",
    "encryption.keys",
    "encryption.index_key",
    "encryption.kms_token",
    "auth.secret",
    "auth.oidc.client_secret",
    "providers.sendgrid.api_key",
    "providers.smtp.password",
    "providers.twilio.api_key_secret",
    "providers.twilio.auth_token",
    "providers.twilio.webhook_shared_keys",
    "providers.http_api.secret",
    "providers.webhook.master_secret",
    "audit.signing_key",
)
"""The keys whose values are secrets; the two URLs may contain one. A labelled account of a provider has those of the provider."""

Tree = dict[str, dict[str, Any]]


def add_file_keys(tree: Tree) -> dict[str, object]:
    """Give each secret the key `<key>_file`, so that the environment can set it; returns the URLs of the file by their paths."""
    urls = {}
    for section, key, path in _list_secrets(tree):
        section.setdefault(f"{key}_file", "")
        if key == "url":
            urls[path] = section[key]
    return urls


def read_secret_files(tree: Tree, default_urls: Mapping[str, object]) -> None:
    """Replace each `<key>_file` by the content of the file as `<key>`. Raises SettingError, which names the key and shows no content.

    A key that is set besides its file is an error; a URL of faust.yml is a default, which the file replaces.
    """
    for section, key, path in _list_secrets(tree):
        file = section.pop(f"{key}_file", "")
        if not file or file is INHERITED:
            continue
        if section[key] not in ("", INHERITED, default_urls.get(path, "")):
            raise SettingError(f"{path}_file", f"is set besides {path}: set one")
        section[key] = read_secret_file(f"{path}_file", str(file))


def read_secret_file(key: str, path: str) -> str:
    """The text of a file without the line break at its end. Raises SettingError, which names the key and shows no content."""
    try:
        text = Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingError(key, f"{path} cannot be read: {reason}") from None
    if not text:
        raise SettingError(key, f"{path} is empty")
    return text


def _list_secrets(tree: Tree) -> Iterator[tuple[dict[str, Any], str, str]]:
    """For each secret its section, its key in it, and its path; also in the sections of labelled accounts."""
    for secret in SECRETS:
        *names, key = secret.split(".")
        for path, section in _find_sections(tree, names):
            if key in section:
                yield section, key, f"{path}.{key}"


def _find_sections(tree: Tree, names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    section: Any = tree
    for name in names[:-1]:
        section = section[name]
    for name, values in section.items():
        if name.partition("-")[0] == names[-1] and isinstance(values, dict):
            yield ".".join([*names[:-1], name]), values
