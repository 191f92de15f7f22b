"""What `herold users` and `herold preferences` do with files: import and export, directly to and from PostgreSQL."""

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, TypeVar

import click
import msgspec
from rich.console import RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from app.admin.bulk.exporter import export_preferences, export_users
from app.admin.bulk.import_state import ImportCounts, ImportState, StateFile
from app.admin.bulk.importer import ChunkReader, Importer, build_preference_writer, build_user_writer
from app.admin.bulk.records import ATTRIBUTE_PREFIX, PREFERENCE_COLUMNS, USER_COLUMNS, build_preference_parser, parse_user
from app.admin.bulk.session import BulkSession, Evict, open_bulk_session, open_eviction
from app.admin.bulk.source_lines import InvalidFileError, LineProblem, read_records
from app.cli import formatting
from app.cli.api_client import get_operator
from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.errors import EXIT_FAILED, CommandError, run_query
from app.cli.output import JsonObject, build_progress_console, escape_control_characters, json_option, print_result
from app.encryption.sealers import build_column_sealing
from app.formula_cells import protect_cell
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["users", "preferences"]

MAX_SHOWN_PROBLEMS = 20
FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
INVALID_ADVICE = "nothing was changed; correct these lines, or import the others with --skip-invalid"


class ImportOptions(NamedTuple):
    """The options of an import."""

    file: Path
    file_format: str
    skip_invalid: bool
    dry_run: bool
    state: Path
    errors: Path | None
    as_json: bool


class ProblemReport:
    """Prints the first problems, and writes all of them to a CSV file if there is one."""

    def __init__(self, source: Path, file: IO[str] | None) -> None:
        self._source, self._writer, self.count = source, csv.writer(file) if file else None, 0
        if file and self._writer and not file.tell():
            self._writer.writerow(("line", "field", "problem"))

    def add(self, problem: LineProblem) -> None:
        """Report a problem."""
        self.count += 1
        if self._writer:
            self._writer.writerow((problem.line, protect_cell(problem.field), protect_cell(problem.text)))
        if self.count <= MAX_SHOWN_PROBLEMS:
            place = f"{self._source}:{problem.line}: {f'{problem.field}: ' if problem.field else ''}"
            click.echo(escape_control_characters(f"{place}{problem.text}"), err=True)

    def finish(self) -> None:
        """Say how many problems are not printed."""
        if self.count > MAX_SHOWN_PROBLEMS:
            click.echo(f"and {self.count - MAX_SHOWN_PROBLEMS} more; --errors FILE writes all of them", err=True)


def add_import_options(command: F) -> F:
    """Add the argument and the options of an import."""
    for decorate in (
        json_option,
        click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write all problems to this file, as CSV."),
        click.option(
            "--state", type=click.Path(dir_okay=False, path_type=Path), help="Where the import stands. [default: FILE.herold-state]"
        ),
        click.option("--dry-run", is_flag=True, help="Validate the file, and change nothing."),
        click.option("--skip-invalid", is_flag=True, help="Import the valid lines although others are not."),
        click.option("--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="Default: by the ending of the name."),
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    ):
        command = decorate(command)
    return command


def add_export_options(command: F) -> F:
    """Add the options of an export."""
    for decorate in (
        json_option,
        click.option("--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="Default: by the ending of the name, else csv."),
        click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout."),
    ):
        command = decorate(command)
    return command


def import_file(kind: Kind, file: Path, file_format: str | None, state: Path | None, **flags: Any) -> None:
    """Import a file, go on with an import that was interrupted, or validate the file. Raises CommandError."""
    options = ImportOptions(file, file_format or detect_format(file), state=state or file.with_name(f"{file.name}.herold-state"), **flags)
    profile, started = load_connection_profile(), time.monotonic()
    try:
        result = run_query(profile.postgres.url, _import(kind, options, profile))
    except InvalidFileError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        raise CommandError("interrupted; what is committed stays", f"the same command goes on where {options.state} says") from None
    result["seconds"] = round(time.monotonic() - started, 1)
    print_result(result, options.as_json, _format_result)
    if result["invalid"] and not (options.skip_invalid or options.as_json):
        click.echo(INVALID_ADVICE, err=True)
    if result["invalid"]:
        raise SystemExit(EXIT_FAILED)


def export_file(kind: Kind, file_format: str | None, output: Path | None, as_json: bool) -> None:
    """Export to a file or to stdout. Raises CommandError."""
    if as_json and not output:
        raise click.UsageError("--json prints the result to stdout: give the file of the export with --output")
    profile = load_connection_profile()
    chosen = file_format or (detect_format(output) if output else "csv")
    with click.open_file(str(output or "-"), "w", encoding="utf-8", atomic=output is not None) as file:
        count = run_query(profile.postgres.url, _export(kind, profile, chosen, file))
    if output:
        print_result({"exported": count, "file": str(output)}, as_json, lambda result: f"{count} {kind} in {output}")


def detect_format(file: Path) -> str:
    """The format that the ending of a name says. Raises click.UsageError for another ending."""
    if file_format := FORMATS.get(file.suffix.lower()):
        return file_format
    raise click.UsageError(f"the name of {file} does not end with {', '.join(FORMATS)}: give --format")


async def _import(kind: Kind, options: ImportOptions, profile: ConnectionProfile) -> JsonObject:
    state_file = StateFile(options.state)
    state = state_file.load(kind, options.file)
    async with open_bulk_session(profile.postgres.url, build_column_sealing(profile.encryption)) as session:
        categories = [] if kind == "users" else await session.users.list_categories()
        with _open_report(options, state) as report:
            if not (options.skip_invalid and not options.dry_run) and not state.line:
                counts = await _validate(kind, options, session, categories, report)
                if counts.invalid or options.dry_run:
                    return {"dry_run": options.dry_run, "valid": counts.unchanged, "invalid": counts.invalid}
            if state.line:
                click.echo(f"going on after line {state.line}, where the import stopped", err=True)
            async with open_eviction(profile.redis, profile.kafka.topic_prefix) as evict:
                await _write(kind, options, session, categories, report, state, state_file, evict)
        entry = msgspec.to_builtins(state.counts)
        await session.bulk.log_import(session.make_id(AUDIT_ENTRY_PREFIX), get_operator(), kind, entry)
        state_file.remove()
        return {**entry}


async def _validate(kind: Kind, options: ImportOptions, session: BulkSession, categories: Any, report: ProblemReport) -> ImportCounts:
    with _show_progress("validating", options) as advance:
        importer = Importer(session.bulk, build_user_writer(session.bulk), kind == "preferences", report.add, advance)
        return await importer.validate(_open_reader(kind, options, categories, 0))


async def _write(
    kind: Kind,
    options: ImportOptions,
    session: BulkSession,
    categories: Any,
    report: ProblemReport,
    state: ImportState,
    state_file: StateFile,
    evict: Evict,
) -> None:
    origin = ChangeOrigin("import", get_operator(), options.file.name)
    write = build_user_writer(session.bulk) if kind == "users" else build_preference_writer(session.bulk, origin)
    with _show_progress("importing", options) as advance:
        importer = Importer(session.bulk, write, kind == "preferences", report.add, advance)
        await importer.write(_open_reader(kind, options, categories, state.line), state, evict, state_file.save)


def _open_reader(kind: Kind, options: ImportOptions, categories: Any, committed_line: int) -> ChunkReader:
    if kind == "users":
        records = read_records(options.file, options.file_format, USER_COLUMNS, ATTRIBUTE_PREFIX)
        return ChunkReader(records, parse_user, committed_line)
    records = read_records(options.file, options.file_format, PREFERENCE_COLUMNS)
    return ChunkReader(records, build_preference_parser(frozenset(categories)), committed_line)


@contextmanager
def _open_report(options: ImportOptions, state: ImportState) -> Iterator[ProblemReport]:
    """The report of problems; one that is gone on with is appended to."""
    if options.errors is None:
        report = ProblemReport(options.file, None)
        yield report
    else:
        with options.errors.open("a" if state.line else "w", newline="", encoding="utf-8") as file:
            report = ProblemReport(options.file, file)
            yield report
    report.finish()


@contextmanager
def _show_progress(verb: str, options: ImportOptions) -> Iterator[Callable[[int], None]]:
    """A bar of the bytes that are done, on a terminal."""
    columns = (TextColumn(verb), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = build_progress_console()
    with Progress(*columns, console=console, disable=options.as_json or not console.is_terminal) as progress:
        task = progress.add_task("", total=options.file.stat().st_size)
        yield lambda position: progress.update(task, completed=position)


async def _export(kind: Kind, profile: ConnectionProfile, file_format: str, file: IO[str]) -> int:
    with build_progress_console().status(f"exporting {kind}") as status:

        def advance(count: int) -> None:
            status.update(f"exporting {kind}: {count}")

        async with open_bulk_session(profile.postgres.url, build_column_sealing(profile.encryption)) as session:
            if kind == "users":
                return await export_users(session.bulk.iterate_users(), file_format, file, advance)
            return await export_preferences(session.bulk.iterate_preferences(), file_format, file, advance)


def _format_result(result: JsonObject) -> RenderableType:
    names = ("valid", "created", "changed", "unchanged", "invalid", "seconds")
    return formatting.build_key_value_table({name: str(result[name]) for name in names if result.get(name)})
