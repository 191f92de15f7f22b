"""`herold templates`: versions of templates in PostgreSQL: drafts, previews, publications."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from app.admin.policy import format_document, parse_template
from app.admin.recorded_payloads import build_payload_source
from app.admin.templates import TemplateService, find_preview_problems
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import EXIT_NOT_FOUND, CommandError, run_query
from app.cli.json_input import parse_json
from app.cli.origin import add_origin_options, build_origin
from app.cli.output import build_console, json_option, print_result, print_without_padding
from app.cli.template_text import format_history, format_list, format_preview, format_report, format_variants
from app.encryption.sealers import build_column_sealing, open_sealers
from schemas.errors import PolicyDocumentError
from schemas.lifetimes import DAY
from schemas.policy import MAX_VERSION
from schemas.template_document import TemplateDocument
from schemas.template_versions import TemplateVersion
from schemas.users import ChangeOrigin
from tables.postgres.database import open_database

T = TypeVar("T")
DRAFT_ADVICE = "no draft was written; docs/guide/templates.md shows the form of a template"
PUBLISH_ADVICE = (
    "the published version stays in force; `herold templates preview` shows what data renders to, and --force publishes although recorded "
    "notifications fail"
)

version_type = click.IntRange(1, MAX_VERSION)
payloads_option = click.option(
    "--payloads", type=click.IntRange(0, 10_000), help="Try so many recorded notifications; by default templates.publish_payloads."
)
force_option = click.option("--force", is_flag=True, help="Publish also if recorded notifications fail, or cannot be read.")
version_option = click.option("--version", "number", type=version_type, help="The version; without it the published one.")


@click.group()
def templates() -> None:
    """Draft, preview, publish and roll back versions of templates.

    \b
    herold templates list
    herold templates draft order-shipped order-shipped.yml
    herold templates preview order-shipped --version 2 --sample usual
    herold templates publish order-shipped --version 2
    herold templates rollback order-shipped
    """


@templates.command(name="list")
@click.option("--search", default="", help="Only names that contain this text.")
@click.option("--limit", default=200, type=click.IntRange(1, 10_000), help="At most so many.", show_default=True)
@json_option
def list_templates(search: str, limit: int, as_json: bool) -> None:
    """List the templates by name.

    \b
    herold templates list --search order
    """
    print_result(msgspec.to_builtins(_run(lambda service: service.list_templates(limit, None, search))), as_json, format_list)


@templates.command()
@click.argument("name")
@version_option
@json_option
def show(name: str, number: int | None, as_json: bool) -> None:
    """Print a version of a template as a file for `herold templates draft`.

    \b
    herold templates show order-shipped > order-shipped.yml
    """
    version = _load(name, number)
    if as_json:
        print_result(msgspec.to_builtins(version), as_json, str)
    else:
        click.echo(format_document(version.document), nl=False)


@templates.command()
@click.argument("name")
@json_option
def history(name: str, as_json: bool) -> None:
    """Show the versions of a template, and which was published when, by whom and why.

    \b
    herold templates history order-shipped
    """
    found = _run(lambda service: service.get_history(name))
    if found is None:
        raise build_not_found(name, None)
    print_result(msgspec.to_builtins(found), as_json, format_history)


@templates.command()
@click.argument("name")
@click.option("--days", default=30, type=click.IntRange(1, 3660), help="Only deliveries submitted in the last days.", show_default=True)
@click.option("--experiment", default="", help="An earlier experiment; without it that of the published version.")
@json_option
def variants(name: str, days: int, experiment: str, as_json: bool) -> None:
    """Count the deliveries of each variant of a template by channel and status.

    \b
    herold templates variants order-shipped --days 7
    """
    version, since = _load(name, None), time.time() - days * DAY
    print_result(msgspec.to_builtins(_run(lambda service: service.count_variants(version, experiment, since))), as_json, format_variants)


@templates.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@add_origin_options
@json_option
def draft(name: str, file: Path, comment: str, actor: str, as_json: bool) -> None:
    """Write the next version of a template from FILE, without publishing it.

    \b
    herold templates draft order-shipped order-shipped.yml --comment "shorter"
    """
    try:
        document, origin = parse_template(file.read_bytes()), build_origin(actor, comment)
        version = _run(lambda service: service.create_draft(name, document, origin.actor, comment))
    except PolicyDocumentError as error:
        raise CommandError(f"{file}: {error}", DRAFT_ADVICE) from None
    print_result(
        {"name": name, "version": version}, as_json, lambda draft: f"template {draft['name']}: version {draft['version']} is a draft"
    )


@templates.command()
@click.argument("name")
@version_option
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A template that is no version yet.")
@click.option("--sample", help="The name of a sample of the template.")
@click.option("--data", help="The data as JSON.")
@click.option("--locale", help="The user's locale; without it all locales of the template.")
@click.option("--time-zone", default="", help="The user's time zone; without it UTC.")
@json_option
def preview(
    name: str,
    number: int | None,
    file: Path | None,
    sample: str | None,
    data: str | None,
    locale: str | None,
    time_zone: str,
    as_json: bool,
) -> None:
    """Show what a template renders to on each channel, with sizes and SMS segments.

    \b
    herold templates preview order-shipped --data '{"order": "A-17", "name": "Ada", "eta": "today", "items": ["lamp"]}' --locale de-AT
    """
    if problem := next(find_preview_problems(locale, time_zone), None):
        raise CommandError(f"--{problem.path[2:].replace('_', '-')}: {problem.text}")
    try:
        document = parse_template(file.read_bytes()) if file else _load(name, number).document
        contents = _run(lambda service: service.preview(name, document, _select_data(document, sample, data), locale, time_zone))
    except PolicyDocumentError as error:
        raise CommandError(f"{file}: {error}", DRAFT_ADVICE) from None
    if as_json:
        print_result(msgspec.to_builtins(contents), as_json, str)
    else:
        print_without_padding(build_console(), format_preview(msgspec.to_builtins(contents)))


@templates.command()
@click.argument("name")
@version_option
@payloads_option
@json_option
def check(name: str, number: int | None, payloads: int | None, as_json: bool) -> None:
    """Show what publishing a version would do: problems, locales that are not complete, and sizes, SMS segments and costs.

    It is rendered with its samples, and with the data of the newest recorded notifications.

    \b
    herold templates check order-shipped --version 2
    """
    version = _load(name, number)
    print_result(msgspec.to_builtins(_run(lambda service: service.check(version), payloads)), as_json, format_report)


@templates.command()
@click.argument("name")
@click.option("--version", "number", type=version_type, required=True, help="The version.")
@payloads_option
@force_option
@add_origin_options
@json_option
def publish(name: str, number: int, payloads: int | None, force: bool, comment: str, actor: str, as_json: bool) -> None:
    """Make a version the one that is used, unless it has problems, or fails on recorded notifications that the present one renders.

    \b
    herold templates publish order-shipped --version 2 --comment "new wording"
    """
    _publish(_load(name, number), build_origin(actor, comment), payloads, force, as_json)


@templates.command()
@click.argument("name")
@click.option("--version", "number", type=version_type, help="The version; without it the one that was published before.")
@payloads_option
@force_option
@add_origin_options
@json_option
def rollback(name: str, number: int | None, payloads: int | None, force: bool, comment: str, actor: str, as_json: bool) -> None:
    """Publish an earlier version again.

    \b
    herold templates rollback order-shipped --comment "wrong link"
    """
    version = _load(name, number) if number else _run(lambda service: service.get_previous_version(name))
    if version is None:
        raise CommandError(f"no other version of the template {name} was published before", "name one with --version")
    _publish(version, build_origin(actor, comment), payloads, force, as_json)


def _publish(version: TemplateVersion, origin: ChangeOrigin, payloads: int | None, force: bool, as_json: bool) -> None:
    expected = version.published_version
    try:
        report = _run(lambda service: service.publish(version, expected, origin.actor, origin.reason, force=force), payloads)
    except PolicyDocumentError as error:
        raise CommandError(f"template {version.name}, version {version.version}: {error}", PUBLISH_ADVICE) from None
    print_result(msgspec.to_builtins(report), as_json, format_report)
    click.echo(f"version {version.version} of the template {version.name} is published", err=True)


def _load(name: str, number: int | None) -> TemplateVersion:
    version = _run(lambda service: service.get_version(name, number))
    if version is None:
        raise build_not_found(name, number)
    return version


def build_not_found(name: str, number: int | None) -> CommandError:
    """The error of a template or version that does not exist."""
    what = f"no version {number} of the template {name}" if number else f"no template {name}"
    return CommandError(f"there is {what}", "`herold templates list` lists the templates", EXIT_NOT_FOUND)


def _select_data(document: TemplateDocument, sample: str | None, data: str | None) -> dict[str, Any]:
    """The given data, else the named sample, else the first one."""
    if data is not None:
        try:
            value = parse_json(data.encode("utf-8", "surrogateescape"))
        except ValueError as error:
            raise CommandError(f"--data: {error}") from None
        if not isinstance(value, dict):
            raise CommandError("--data: is not a JSON object")
        return value
    if sample is not None and sample not in document.samples:
        raise CommandError(f"there is no sample {sample}; the template has {', '.join(document.samples) or 'none'}")
    name = sample or next(iter(document.samples), None)
    return document.samples[name] if name else {}


def _run(call: Callable[[TemplateService], Awaitable[T]], payloads: int | None = None) -> T:
    """The result of a call; `payloads` is how many recorded notifications it tries, by default as the settings say."""
    profile = load_connection_profile()
    url, section = profile.postgres.url, profile.templates
    if payloads is not None:
        section = msgspec.structs.replace(section, publish_payloads=payloads)

    async def run() -> T:
        async with (
            open_database(url, sealing=build_column_sealing(profile.encryption)) as database,
            open_sealers(profile.encryption, profile.redis, profile.kafka.topic_prefix, database) as sealers,
        ):
            source = build_payload_source(profile.kafka, section, time.time, sealers)
            return await call(TemplateService(database, source, profile.costs))

    return run_query(url, run())
