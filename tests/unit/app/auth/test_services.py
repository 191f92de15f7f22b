"""The section auth of faust.yml."""

from pathlib import Path

import pytest

from app.auth.services import check_auth_section, check_oidc_section
from app.settings import load_settings
from schemas.errors import SettingError
from tests.signing_key_builders import build_keys

SECRET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def check(tmp_path: Path, **values: str) -> None:
    """Check the section with these values; raises SettingError."""
    file = tmp_path / "keys.pem"
    file.write_text(build_keys().to_text())
    given = {"signing_keys_file": str(file), "secret": SECRET, "public_url": "https://herold.example.org", **values}
    settings = load_settings({f"HEROLD_AUTH_{name.upper()}": value for name, value in given.items()})
    check_auth_section(settings.auth, settings.links.base_url)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"signing_keys_file": "", "public_url": ""},
        {"secret": "", "public_url": ""},
        {"oidc_issuer": "https://id.example.org", "oidc_client_id": "herold"},
        {"oidc_issuer": "http://127.0.0.1:9400", "oidc_client_id": "herold"},
    ],
)
def test_a_section_that_can_be_used_is_accepted(tmp_path: Path, values: dict[str, str]) -> None:
    check(tmp_path, **values)


@pytest.mark.parametrize(("name", "expected"), [("", "id.example.org"), ("Example Ltd", "Example Ltd")])
def test_a_provider_without_a_name_is_called_by_its_host(name: str, expected: str) -> None:
    env = {"ISSUER": "https://id.example.org:8443/realms/staff", "CLIENT_ID": "herold", "NAME": name}
    section = load_settings({f"HEROLD_AUTH_OIDC_{key}": value for key, value in env.items()}).auth.oidc
    assert check_oidc_section(section).name == expected


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"signing_keys_file": "/none/keys.pem"}, "auth.signing_keys_file"),
        ({"secret": "c2hvcnQ="}, "auth.secret"),
        ({"public_url": ""}, "links.base_url"),
        ({"public_url": "ftp://herold.example.org"}, "auth.public_url"),
        ({"public_url": "https://user@herold.example.org"}, "auth.public_url"),
        ({"oidc_issuer": "http://id.example.org", "oidc_client_id": "herold"}, "auth.oidc.issuer"),
        ({"oidc_issuer": "id.example.org", "oidc_client_id": "herold"}, "auth.oidc.issuer"),
        ({"oidc_issuer": "https://id.example.org"}, "auth.oidc.client_id"),
        ({"oidc_issuer": "https://id.example.org", "oidc_client_id": "x", "oidc_roles": "support=root"}, "auth.oidc.roles"),
        ({"oidc_issuer": "https://id.example.org", "oidc_client_id": "x", "oidc_default_role": "root"}, "auth.oidc.default_role"),
        ({"password_min_length": "7"}, "auth.password_min_length"),
        ({"access_token_lifetime": "86400"}, "auth.access_token_lifetime"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_key_and_shows_no_secret(tmp_path: Path, values: dict[str, str], key: str) -> None:
    with pytest.raises(SettingError) as error:
        check(tmp_path, **values)
    assert error.value.key == key
    assert "c2hvcnQ" not in str(error.value)
