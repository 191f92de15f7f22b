"""`herold preferences link` prints the links that the router puts into messages."""

import json
from pathlib import Path

from schemas.link_tokens import LinkTokens, decode_secrets
from schemas.message_links import LinkTarget, read_target
from tests.herold_runner import HeroldRunner
from tests.unit.app.cli.conftest import parse_json_output

SECRET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
ENV = {"HEROLD_LINKS_BASE_URL": "https://herold.example.org", "HEROLD_LINKS_SECRET": SECRET}


def test_the_link_is_for_the_user_and_the_category(herold: HeroldRunner) -> None:
    links = parse_json_output(herold("preferences", "link", "u-1", "--category", "news", "--channel", "sms", "--json", **ENV))
    prefix, _, token = links["unsubscribe_url"].rpartition("/")
    assert prefix == "https://herold.example.org/u"
    assert read_target(LinkTokens(decode_secrets(SECRET)), token) == LinkTarget("u-1", "news", "sms", "command line")
    lines = herold("preferences", "link", "u-1", "--category", "news", "--channel", "sms", **ENV).stdout.split()
    assert lines == [links["unsubscribe_url"], links["preferences_url"]]


def test_the_links_of_the_running_stack_lead_to_its_gateway(herold: HeroldRunner, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"ports": {"gateway": 20123}, "secrets": {"links_secret": "0" * 32}}))
    result = herold("preferences", "link", "u-1", "--category", "news", HEROLD_HOME=str(tmp_path))
    assert result.stdout.startswith("http://127.0.0.1:20123/u/")


def test_without_links_the_settings_are_named(herold: HeroldRunner) -> None:
    result = herold("preferences", "link", "u-1", "--category", "news")
    assert (result.exit_code, "HEROLD_LINKS_BASE_URL" in result.stderr) == (1, True)
    result = herold("preferences", "link", "u-1", "--category", "news", **{**ENV, "HEROLD_LINKS_SECRET": "x"})
    assert (result.exit_code, "links.secret" in result.stderr) == (1, True)
