"""The tokens of a process: none without a base URL; an error names the setting and not its value."""

from base64 import b64encode

import msgspec
import pytest

from app.link_tokens import build_link_builder, build_link_tokens, build_sample_links
from schemas.errors import SettingError
from schemas.message_links import LinkTarget, read_target
from tests.settings_builders import DEFAULT_SETTINGS

SECRET = b64encode(b"1" * 32).decode()
OTHER = b64encode(b"2" * 32).decode()


def build(base_url: str, secret: str):
    return build_link_tokens(msgspec.structs.replace(DEFAULT_SETTINGS.links, base_url=base_url, secret=secret))


def test_there_are_no_links_without_a_base_url() -> None:
    assert build("", "") is None
    assert build_link_tokens(DEFAULT_SETTINGS.links) is None


def test_links_of_a_former_secret_still_work() -> None:
    before, after = build("https://herold.example.org", OTHER), build("https://herold.example.org", f"{SECRET},{OTHER}")
    assert before is not None
    assert after is not None
    assert after.verify("unsubscribe", before.sign("unsubscribe", "u-1")) == ["u-1"]


@pytest.mark.parametrize(
    ("base_url", "secret", "key"),
    [
        ("herold.example.org", SECRET, "links.base_url"),
        ("ftp://herold.example.org", SECRET, "links.base_url"),
        ("https://herold.example.org/?a=b", SECRET, "links.base_url"),
        ("https://herold.example.org", "", "links.secret"),
        ("https://herold.example.org", "a password", "links.secret"),
    ],
)
def test_a_bad_setting_is_named(base_url: str, secret: str, key: str) -> None:
    with pytest.raises(SettingError) as caught:
        build(base_url, secret)
    assert caught.value.key == key
    assert not secret or secret not in str(caught.value)


def test_sample_links_are_as_long_as_real_ones_and_do_not_work() -> None:
    section = msgspec.structs.replace(DEFAULT_SETTINGS.links, base_url="https://herold.example.org", secret=SECRET)
    target = LinkTarget("u-1", "marketing", "email", "ntf_1")
    real, sample, tokens = build_link_builder(section), build_sample_links(section), build_link_tokens(section)
    assert real is not None
    assert sample is not None
    assert tokens is not None
    url = sample.build(target).unsubscribe_url
    assert len(url) == len(real.build(target).unsubscribe_url)
    assert read_target(tokens, url.rpartition("/")[2]) is None
    assert read_target(tokens, real.build(target).unsubscribe_url.rpartition("/")[2]) == target
    assert build_sample_links(DEFAULT_SETTINGS.links) is None
