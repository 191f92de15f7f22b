"""Adds the users of a file to a list: first all lines are checked, then they are added."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from app.admin.bulk.records import ATTRIBUTE_PREFIX, USER_COLUMNS
from app.admin.bulk.source_lines import InvalidFileError, LineProblem, SourceRecord, describe_json_record, read_records
from app.cli.errors import CommandError
from app.cli.output import JsonObject, build_progress_console, escape_control_characters
from schemas.errors import DECODE_ERRORS
from schemas.json_errors import describe_decode_error
from schemas.notification import UserId
from schemas.user_validation import find_user_id_problems

CHUNK_USERS = 1000  # of one request
MAX_SHOWN_PROBLEMS = 20
HTTP_UNPROCESSABLE_CONTENT = 422
ADVICE = "nothing was changed; correct these lines, or create the users first with `herold users import`"

ChangeMembers = Callable[[JsonObject], JsonObject]


class MemberLine(msgspec.Struct):
    """The user of a line of JSON; other fields are ignored."""

    id: UserId


def import_members(change: ChangeMembers, file: Path, file_format: str, as_json: bool) -> JsonObject:
    """The counts of what was added. Raises CommandError with the lines that are not valid; nothing is changed then."""
    try:
        problems = list(_add(change, file, file_format, as_json, preview=True, counts={}))
        if problems:
            raise CommandError(_format_problems(file, problems), ADVICE)
        counts: dict[str, int] = {"added": 0, "removed": 0}
        for problem in _add(change, file, file_format, as_json, preview=False, counts=counts):
            raise CommandError(f"{file}:{problem.line}: {problem.text}", "the lines before it are added: run the command again")
    except InvalidFileError as error:
        raise CommandError(str(error)) from None
    return counts


def _add(
    change: ChangeMembers, file: Path, file_format: str, as_json: bool, *, preview: bool, counts: dict[str, int]
) -> Iterator[LineProblem]:
    """Add the users of a file, or only check them; yields what is wrong."""
    columns = (TextColumn("checking" if preview else "adding"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = build_progress_console()
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal) as progress:
        task, chunk = progress.add_task("", total=file.stat().st_size), dict[str, int]()
        for record in read_records(file, file_format, USER_COLUMNS, ATTRIBUTE_PREFIX):
            user = _parse(record)
            if isinstance(user, LineProblem):
                yield user
                continue
            chunk[user] = record.line
            if len(chunk) == CHUNK_USERS:
                yield from _add_chunk(change, chunk, preview, counts)
                chunk = {}
                progress.update(task, completed=record.position)
        if chunk:
            yield from _add_chunk(change, chunk, preview, counts)


def _add_chunk(change: ChangeMembers, lines: dict[str, int], preview: bool, counts: dict[str, int]) -> Iterator[LineProblem]:
    """Add the users, whose lines are known; yields a problem for each who does not exist."""
    users = list(lines)
    try:
        changed = change({"add": users, "preview": preview})
    except CommandError as error:
        if error.status != HTTP_UNPROCESSABLE_CONTENT or not error.errors:
            raise
        for one in error.errors:
            user = users[int(one["path"].removeprefix("$.add[").removesuffix("]"))]
            yield LineProblem(lines[user], "id", one["detail"])
        return
    for name in counts:
        counts[name] += changed[name]


def _parse(record: SourceRecord) -> str | LineProblem:
    """The user of a record, or what is wrong with it."""
    if isinstance(record.content, LineProblem):
        return record.content
    if isinstance(record.content, bytes):
        if problem := describe_json_record(record.content):
            return LineProblem(record.line, "", problem)
        try:
            user_id = msgspec.json.decode(record.content, type=MemberLine).id
        except DECODE_ERRORS as error:
            path, text = describe_decode_error(error, record.content)
            return LineProblem(record.line, path, text)
    else:
        user_id = record.content["id"].strip()
    found = next(find_user_id_problems(user_id), None)
    return LineProblem(record.line, "id", found.text) if found else user_id


def _format_problems(file: Path, problems: list[LineProblem]) -> str:
    """All problems but the first are printed; the first is the error."""
    for problem in problems[1:MAX_SHOWN_PROBLEMS]:
        click.echo(escape_control_characters(f"{file}:{problem.line}: {problem.field}: {problem.text}"), err=True)
    more = f"; and {len(problems) - 1} more lines" if len(problems) > 1 else ""
    return f"{file}:{problems[0].line}: {problems[0].field}: {problems[0].text}{more}"
