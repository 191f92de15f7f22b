"""`herold templates` on a real database: a draft is used by nobody before it is published, and nothing that fails is published."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tests.herold_runner import HeroldRunner, build_herold_runner

TEMPLATE = """
variables: {type: object, required: [code], properties: {code: {type: string}}}
samples:
  usual: {code: "123456"}
sms:
  default: {text: "{{ code }} is your code"}
  de: {text: "Ihr Code: {{ code }}"}
email:
  default: {subject: "Code {{ code }}", text: "{{ code }}", html: "<b>{{ code }}</b>"}
  de: {subject: "Code {{ code }}", text: "{{ code }}"}
"""


@pytest.fixture
def herold(tmp_path: Path, database_copy_url: str) -> HeroldRunner:
    home = str(tmp_path / "home")
    return build_herold_runner(HEROLD_HOME=home, DATABASE_URL=database_copy_url, HEROLD_TEMPLATES_PUBLISH_PAYLOADS="0")


class Commands:
    """Runs `herold templates` with a template in a file."""

    def __init__(self, herold: HeroldRunner, file: Path) -> None:
        self._herold, self._file = herold, file

    async def run(self, *arguments: str) -> Result:
        return await asyncio.to_thread(self._herold, "templates", *arguments)

    async def run_json(self, *arguments: str) -> Any:
        result = await self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    async def draft(self, text: str, name: str = "account-otp") -> Result:
        self._file.write_text(text)
        return await self.run("draft", name, str(self._file), "--comment", "why", "--actor", "ada")


@pytest.fixture
def commands(herold: HeroldRunner, tmp_path: Path) -> Commands:
    return Commands(herold, tmp_path / "template.yml")


async def get_sms_texts(database: Database) -> set[str]:
    policy = await PostgresPolicyLoader(database).load()
    return {template.text for template in policy.templates if (template.name, template.channel) == ("account-otp", "sms")}


async def test_a_version_is_drafted_compared_published_and_rolled_back(commands: Commands, database_copy: Database) -> None:
    before = await get_sms_texts(database_copy)
    drafted = await commands.draft(TEMPLATE)
    assert drafted.stdout == "template account-otp: version 2 is a draft\n"
    assert await get_sms_texts(database_copy) == before
    report = await commands.run_json("check", "account-otp", "--version", "2")
    assert (report["problems"], report["previous_version"]) == ([], 1)
    assert {"channel": "email", "locale": "de", "uses": "de", "missing_parts": ["html"]} in report["gaps"]
    published = await commands.run("publish", "account-otp", "--version", "2", "--actor", "bob")
    assert (published.exit_code, "version 2 of the template account-otp is published" in published.stderr) == (0, True)
    assert await get_sms_texts(database_copy) == {"{{ code }} is your code", "Ihr Code: {{ code }}"}
    await commands.run_json("rollback", "account-otp", "--comment", "wrong")
    assert await get_sms_texts(database_copy) == before
    history = await commands.run_json("history", "account-otp")
    assert [(one["version"], one["change"], one["comment"]) for one in history["publications"]] == [
        (1, "rolled_back", "wrong"), (2, "published", ""), (1, "published", ""),
    ]  # fmt: skip
    assert history["publications"][1]["actor"] == "bob"
    assert [(one["version"], one["actor"], one["comment"]) for one in history["versions"]] == [(2, "ada", "why"), (1, "", "")]


async def test_a_version_that_fails_on_a_sample_is_not_published(commands: Commands, database_copy: Database) -> None:
    before = await get_sms_texts(database_copy)
    await commands.draft(TEMPLATE.replace("is your code", "{{ absent }}"))
    await commands.draft(TEMPLATE.partition("sms:")[0] + "push:\n  default: {title: a, body: b}\n")
    failing, lacking = [await commands.run("publish", "account-otp", "--version", version) for version in ("2", "3")]
    assert (failing.exit_code, lacking.exit_code) == (1, 1)
    assert "sample usual, sms default: template account-otp@2 default for sms: 'absent' is undefined" in failing.stderr
    assert "rule account.otp: no template `account-otp` for sms" in lacking.stderr
    assert await get_sms_texts(database_copy) == before


async def test_a_new_template_is_unknown_until_it_is_published(commands: Commands, database_copy: Database) -> None:
    await commands.draft(TEMPLATE, "new")
    assert "new" not in {template.name for template in (await PostgresPolicyLoader(database_copy).load()).templates}
    listed = await commands.run_json("list", "--search", "NEW")
    assert [(one["name"], one["published_version"], one["latest_version"]) for one in listed] == [
        ("new", 0, 1),
        ("newsletter-weekly", 1, 1),
    ]
    await commands.run_json("publish", "new", "--version", "1")
    assert "new" in {template.name for template in (await PostgresPolicyLoader(database_copy).load()).templates}
    alone = await commands.run("rollback", "new")
    assert "no other version of the template new was published before" in alone.stderr


async def test_policy_apply_does_not_overwrite_a_draft(commands: Commands, herold: HeroldRunner, tmp_path: Path) -> None:
    await commands.draft(TEMPLATE)
    (tmp_path / "policy.yml").write_text(
        "templates: {account-otp: {sms: {default: {text: applied}}, email: {default: {subject: s, text: t}}}}"
    )
    for dry_run in (["--dry-run"], []):
        applied = await asyncio.to_thread(herold, "policy", "apply", str(tmp_path / "policy.yml"), *dry_run)
        assert applied.stdout == "template account-otp: changed, version 3\n"
    assert (await commands.run_json("show", "account-otp", "--version", "2"))["document"]["sms"]["de"]["text"] == "Ihr Code: {{ code }}"


async def test_what_is_shown_can_be_drafted_again(commands: Commands) -> None:
    await commands.draft(TEMPLATE.replace("is your code", "is your code\\n\\nBye"))
    await commands.draft((await commands.run("show", "account-otp", "--version", "2")).stdout)
    second, third = [(await commands.run_json("show", "account-otp", "--version", one))["document"] for one in ("2", "3")]
    assert second == third
    preview = await commands.run("preview", "account-otp", "--version", "3", "--locale", "en")
    assert re.search(r"is your code *\n *\n +Bye", preview.stdout)


async def test_a_preview_in_no_locale_or_time_zone_says_so(commands: Commands) -> None:
    for option, value in (("--locale", "german"), ("--time-zone", "Europe/Viena")):
        shown = await commands.run("preview", "account-otp", option, value)
        assert (shown.exit_code, f"error: {option}: " in shown.stderr) == (1, True)


async def test_a_preview_shows_the_segments_of_an_sms(commands: Commands) -> None:
    await commands.draft(TEMPLATE)
    shown = await commands.run("preview", "account-otp", "--version", "2", "--data", '{"code": "😀"}', "--locale", "de")
    assert "1 (UCS-2, 12 units, 58 free)" in shown.stdout
    contents = await commands.run_json("preview", "account-otp", "--version", "2")
    assert [(one["channel"], one["locale"]) for one in contents] == [
        ("email", "de"),
        ("email", "default"),
        ("sms", "de"),
        ("sms", "default"),
    ]
    assert contents[2]["content"]["text"] == "Ihr Code: 123456"
    wrong = await commands.run_json("preview", "account-otp", "--version", "2", "--data", '{"code": 1}')
    assert {one["reason"] for one in wrong} == {"invalid_variables"}


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["show", "nobody"], 3, "there is no template nobody"),
        (["history", "nobody"], 3, "there is no template nobody"),
        (["publish", "account-otp", "--version", "9"], 3, "there is no version 9 of the template account-otp"),
        (["publish", "account-otp", "--version", "2147483648"], 2, "is not in the range"),
        (["preview", "account-otp", "--sample", "none"], 1, "there is no sample none"),
        (["preview", "account-otp", "--data", "[1]"], 1, "is not a JSON object"),
        (["preview", "account-otp", "--data", "{"], 1, "--data: "),
    ],
)
async def test_what_does_not_exist_is_named(commands: Commands, arguments: list[str], code: int, text: str) -> None:
    result = await commands.run(*arguments)
    assert (result.exit_code, text in result.stderr) == (code, True), result.output


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sms: {default: {text: '{{'}}", "template.yml: template t@1 default for sms"),
        ("fax: {}", "is not a known field"),
        ("[", "is not YAML"),
    ],
)
async def test_a_draft_that_cannot_be_used_is_not_written(commands: Commands, text: str, problem: str) -> None:
    drafted = await commands.draft(text, "t")
    assert (drafted.exit_code, problem in drafted.stderr) == (1, True), drafted.output
    assert (await commands.run("show", "t")).exit_code == 3
