"""The resource /v1/audit: the log of changes, as a list and as CSV, and the heads of the chains that protect it."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter
from msgspec.structs import replace

from app.api.access import requires
from app.api.audit_bodies import AuditPage, CheckpointBody, LogHead, LogHeads
from app.api.bodies import raise_for_problems
from app.api.csv_text import CSV_MEDIA_TYPE, encode_csv
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import INVALID, STORE_UNAVAILABLE, UNAUTHORIZED, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_problem
from schemas.checkpoints import Checkpoint
from schemas.ids import is_id
from schemas.log_chain import LOG_NAMES
from schemas.permissions import Permission
from schemas.projects import strip_project
from schemas.timestamps import explain_implausible, is_plausible
from schemas.user_validation import FieldProblem, find_nul
from schemas.users import AUDIT_ENTRY_PREFIX
from tables.postgres.audit_log import AuditEntry, AuditFilter

MAX_EXPORTED_ENTRIES = 10_000
OF_ALL_PROJECTS = "a log has the entries of all projects, so only the default one may read its head"
NEXT_CURSOR_HEADER = "Herold-Next-Cursor"
CSV_COLUMNS = (
    "id", "occurred_at", "actor", "principal", "action", "object_type", "object_id", "details", "client_address", "user_agent_hash",
    "request_id",
)  # fmt: skip

ID_FORMAT = f"an id is {AUDIT_ENTRY_PREFIX} and 32 hex digits"
EntryId = Annotated[str, PathParameter(description="the id of the entry")]
ActorParameter = Annotated[str | None, QueryParameter(description="who, in the words of the client", max_length=256)]
PrincipalParameter = Annotated[str | None, QueryParameter(description="who was authenticated, such as key:Q3xT9aLm", max_length=256)]
ActionParameter = Annotated[str | None, QueryParameter(description="such as create, rule.changed or rotate_secret", max_length=128)]
ObjectTypeParameter = Annotated[str | None, QueryParameter(description="such as user, rule or webhook_endpoint", max_length=128)]
ObjectIdParameter = Annotated[str | None, QueryParameter(description="the id of what was changed", max_length=512)]
SinceParameter = Annotated[float | None, QueryParameter(description="only those from this time on, epoch seconds")]
UntilParameter = Annotated[float | None, QueryParameter(description="only those before this time, epoch seconds")]
ERRORS = {**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE}


@get("/", opt=requires(Permission.AUDIT_READ), responses=ERRORS, summary="List the audit log", operation_id="list_audit_entries")
async def list_entries(
    request: ApiRequest,
    actor: ActorParameter = None,
    principal: PrincipalParameter = None,
    action: ActionParameter = None,
    object_type: ObjectTypeParameter = None,
    object_id: ObjectIdParameter = None,
    since: SinceParameter = None,
    until: UntilParameter = None,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> AuditPage:
    """Newest first: who changed what, when and from where. Addresses in details are masked."""
    selection = check_filter(AuditFilter(actor, principal, action, object_type, object_id, since, until))
    return AuditPage(*await _read_page(request, selection, limit, cursor))


@get(
    "/export",
    opt=requires(Permission.AUDIT_READ),
    responses={**ERRORS, 200: ResponseSpec(str, description="CSV with a header line", media_type=CSV_MEDIA_TYPE, generate_examples=False)},
    media_type=CSV_MEDIA_TYPE,
    summary="Export the audit log as CSV",
    operation_id="export_audit_entries",
)
async def export_entries(
    request: ApiRequest,
    actor: ActorParameter = None,
    principal: PrincipalParameter = None,
    action: ActionParameter = None,
    object_type: ObjectTypeParameter = None,
    object_id: ObjectIdParameter = None,
    since: SinceParameter = None,
    until: UntilParameter = None,
    limit: Annotated[int, QueryParameter(description="entries in the document", ge=1, le=MAX_EXPORTED_ENTRIES)] = MAX_EXPORTED_ENTRIES,
    cursor: Annotated[str | None, QueryParameter(description=f"{NEXT_CURSOR_HEADER} of the document before", max_length=4096)] = None,
) -> Response[bytes]:
    """As the list is. A cell that a spreadsheet would take for a formula begins with an apostrophe. If there is more, the response has the
    header Herold-Next-Cursor.
    """
    selection = check_filter(AuditFilter(actor, principal, action, object_type, object_id, since, until))
    entries, next_cursor = await _read_page(request, selection, limit, cursor)
    headers = {"content-disposition": 'attachment; filename="audit.csv"', **({NEXT_CURSOR_HEADER: next_cursor} if next_cursor else {})}
    project = get_principal(request).project
    own = (replace(entry, object_id=strip_project(project, entry.object_id)) for entry in entries)  # CSV passes the middleware as it is
    return Response(encode_csv(CSV_COLUMNS, map(_list_cells, own)), media_type=CSV_MEDIA_TYPE, headers=headers)


@get(
    "/head",
    opt=requires(Permission.AUDIT_READ),
    responses={**UNAUTHORIZED, **STORE_UNAVAILABLE},
    summary="Get the heads of the logs",
    operation_id="get_log_heads",
)
async def get_heads(request: ApiRequest) -> LogHeads:
    """The number and hash of the last entry of each log. Noted elsewhere, they show later if a log was cut or replaced.

    The logs are of all projects, so only the default one may read their heads.
    """
    if get_principal(request).project:
        raise ProblemError(build_problem("forbidden", OF_ALL_PROJECTS))
    chains = get_dependencies(request).log_chains
    logs = []
    for log in LOG_NAMES:
        head, unlinked = await chains.get_head(log)
        checkpoint = await chains.get_last_checkpoint(log)
        logs.append(LogHead(log, head.number, head.hash.hex(), unlinked, describe_checkpoint(checkpoint)))
    return LogHeads(logs, b64encode(chains.public_key).decode())


@get(
    "/{entry_id:str}",
    opt=requires(Permission.AUDIT_READ),
    responses={**UNAUTHORIZED, 404: describe_problem("no such entry"), **STORE_UNAVAILABLE},
    summary="Get an entry of the audit log",
    operation_id="get_audit_entry",
)
async def get_entry(request: ApiRequest, entry_id: EntryId) -> AuditEntry:
    """One of the project at hand. Addresses in its details are masked."""
    entry = await get_dependencies(request).audit_log.get(entry_id) if is_id(entry_id, AUDIT_ENTRY_PREFIX) else None
    if entry is None:
        raise ProblemError(build_problem("not-found", f"the audit log has no entry {entry_id[:64]!r}: {ID_FORMAT}"))
    return entry


def check_filter(selection: AuditFilter) -> AuditFilter:
    """The filter. Raises ProblemError if it cannot be one."""
    raise_for_problems(find_nul({name: value for name, value in selection._asdict().items() if isinstance(value, str)}))
    times = {"since": selection.since, "until": selection.until}
    raise_for_problems(
        FieldProblem(f"$.{name}", explain_implausible(at)) for name, at in times.items() if at is not None and not is_plausible(at)
    )
    return selection


def describe_checkpoint(checkpoint: Checkpoint | None) -> CheckpointBody | None:
    """A checkpoint as a body."""
    if checkpoint is None:
        return None
    signature = b64encode(checkpoint.signature).decode()
    return CheckpointBody(checkpoint.number, checkpoint.hash.hex(), checkpoint.created_at, checkpoint.key_id, signature)


async def _read_page(request: ApiRequest, selection: AuditFilter, limit: int, cursor: str | None) -> tuple[list[AuditEntry], str | None]:
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], AUDIT_ENTRY_PREFIX))
    found = await get_dependencies(request).audit_log.list_entries(selection, limit + 1, key[0] if key else None)
    return cut_page(found, limit, lambda entry: [entry.id])


def _list_cells(entry: AuditEntry) -> Sequence[str]:
    values = msgspec.structs.asdict(entry)
    values["details"] = msgspec.json.encode(entry.details).decode()
    values["occurred_at"] = datetime.fromtimestamp(entry.occurred_at, UTC).isoformat(timespec="milliseconds")
    return [values[name] for name in CSV_COLUMNS]


router = Router("/v1/audit", route_handlers=[list_entries, export_entries, get_heads, get_entry], tags=["audit"])
