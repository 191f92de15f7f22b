"""`herold policy` on a real database: what it applies is what routers and gateways load."""

import asyncio
import json
from pathlib import Path

import pytest

from tables.postgres.policy import PostgresPolicyLoader
from tests.database_fixtures import create_database
from tests.herold_runner import HeroldRunner, build_herold_runner

DOCUMENT = """
rules:
  - {type: parcel.lost, category: transactional, priority: medium, channels: [email]}
rate_limits:
  - {channel: sms, max_count: 1, window_seconds: 60}
templates:
  parcel.lost:
    email:
      default: {subject: Parcel, text: "It is lost, {{ name }}.{% include 'footer' %}"}
    push:
      default: {title: T, body: B, image: "https://example.org/a.png", link: "shop://"}
    webhook:
      default: {body: '{"name": {{ name|json }}}'}
    language: de
    variables: {type: object, required: [name], properties: {name: {type: string}}}
    samples: {ada: {name: Ada}}
partials:
  footer: {default: {text: "The shop"}}
"""


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> HeroldRunner:
    return build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), DATABASE_URL=database_copy_url)


async def test_a_file_is_applied_once_and_changed_as_a_new_version(herold: HeroldRunner, database_copy_url: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yml"
    database = create_database(database_copy_url)
    loader = PostgresPolicyLoader(database)

    async def apply(text: str, *options: str) -> list[str]:
        file.write_text(text)
        result = await asyncio.to_thread(herold, "policy", "apply", str(file), *options)
        assert result.exit_code == 0, result.output
        assert ("this was a dry run" in result.stderr) is ("--dry-run" in options)
        return sorted(result.stdout.splitlines())

    before = await loader.load()
    added = [
        "partial footer: added",
        "rate limit sms in 60 s: added",
        "rule parcel.lost: added, version 1",
        "template parcel.lost: added, version 1",
    ]
    assert await apply(DOCUMENT, "--dry-run") == added
    assert await loader.load(before) is before
    assert await apply(DOCUMENT) == added
    assert await apply(DOCUMENT) == ["no changes"]
    assert await apply(DOCUMENT.replace("Parcel,", "Your parcel,")) == ["template parcel.lost: changed, version 2"]
    policy = await loader.load(before)
    assert set(policy.rules) - set(before.rules) == {"parcel.lost"}
    assert [template.subject for template in policy.templates if template.name == "parcel.lost" and template.channel == "email"] == [
        "Your parcel"
    ]
    assert set(policy.rate_limits) - set(before.rate_limits) != set()
    shown = await asyncio.to_thread(herold, "policy", "show")
    assert await apply(shown.stdout) == ["no changes"]
    await database.close()


async def test_an_invalid_file_changes_nothing(herold: HeroldRunner, database_copy_url: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yml"
    file.write_text(DOCUMENT.replace("{{ name }}", "{% if %}"))
    result = await asyncio.to_thread(herold, "policy", "apply", str(file))
    assert result.exit_code == 1
    assert "template parcel.lost@1 default for email" in result.stderr
    assert "nothing was changed" in result.stderr
    shown = await asyncio.to_thread(herold, "policy", "show", "--json")
    assert "parcel.lost" not in {rule["type"] for rule in json.loads(shown.stdout)["rules"]}
