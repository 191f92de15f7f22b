"""The resource /v1/simulators: what arrived at simulated providers, and the faults that they play. Only where there are simulators."""

from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import requires
from app.api.bodies import decode_body
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.exception_handlers import handle_problem
from app.api.openapi import INVALID, UNAUTHORIZED, describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, decode_version_cursor, encode_cursor
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.services.simulator_client import RejectedError, SimulatorClient
from app.api.simulator_bodies import (
    ActiveFault,
    ActiveFaults,
    RemovedFaults,
    SimulatedMessageDetails,
    SimulatedMessagePage,
    SimulatedRequestPage,
    SimulatorFault,
)
from schemas.channels import ChannelName
from schemas.permissions import Permission

NO_SIMULATORS = "this installation has no simulators: they are part of the local stack, by the setting gateway.simulators_url"
ERRORS = {
    **UNAUTHORIZED,
    404: describe_problem("no such thing, or this installation has no simulators"),
    503: describe_problem("the simulators do not answer"),
}
LIST_ERRORS = {**ERRORS, **INVALID}
MAX_SEARCHED = 200
MessageNumber = Annotated[str, PathParameter(description="the number of the message", max_length=64)]
FaultId = Annotated[str, PathParameter(description="the id of the fault", max_length=64)]


@get(
    "/messages",
    opt=requires(Permission.SIMULATORS_READ),
    responses=LIST_ERRORS,
    summary="List what arrived at the simulators",
    operation_id="list_simulated_messages",
)
async def list_messages(
    request: ApiRequest,
    channel: Annotated[ChannelName | None, QueryParameter(description="only those on this channel")] = None,
    search: Annotated[str, QueryParameter(description="part of what is shown of a message, in any case", max_length=256)] = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> SimulatedMessagePage:
    """The accepted messages, newest first. The last 300 are kept; a restart of the simulators drops them."""
    found = await _get_simulators(request).list_messages(channel or "", search, decode_version_cursor(cursor) or 0, limit)
    return SimulatedMessagePage(found.items, encode_cursor(str(found.next)) if found.next else None)


@get(
    "/messages/{number:str}",
    opt=requires(Permission.SIMULATORS_READ),
    responses=LIST_ERRORS,
    summary="Get a message of the simulators",
    operation_id="get_simulated_message",
)
async def get_message(request: ApiRequest, number: MessageNumber) -> SimulatedMessageDetails:
    """All that was sent: the document of an e-mail, the headers and the body of a webhook."""
    try:
        return await _get_simulators(request).find_message(_parse_number(number))
    except RejectedError as error:
        raise ProblemError(build_problem("not-found", str(error))) from None


@get(
    "/faults",
    opt=requires(Permission.SIMULATORS_READ),
    responses=ERRORS,
    summary="List the faults of the simulators",
    operation_id="list_simulator_faults",
)
async def list_faults(request: ApiRequest) -> ActiveFaults:
    """Those that are switched on, the newest first."""
    return ActiveFaults(await _get_simulators(request).list_faults())


@post(
    "/faults",
    opt=requires(Permission.SIMULATORS_WRITE),
    operation_class=describe_body("SimulatorFault", {"provider": "twilio", "status": 503, "seconds": 120}),
    responses={201: ResponseSpec(ActiveFault, description="switched on"), **LIST_ERRORS},
    summary="Switch a fault of the simulators on",
    operation_id="start_simulator_fault",
)
async def start_fault(request: ApiRequest) -> ActiveFault:
    """It ends by itself after `seconds`. A provider can have several: the newest that changes a request counts."""
    simulators = _get_simulators(request)
    return await simulators.add_fault(await decode_body(request, SimulatorFault))


@delete(
    "/faults",
    opt=requires(Permission.SIMULATORS_WRITE),
    status_code=200,
    responses=ERRORS,
    summary="Switch all faults of the simulators off",
    operation_id="stop_simulator_faults",
)
async def stop_faults(request: ApiRequest) -> RemovedFaults:
    """All providers work again."""
    return RemovedFaults(await _get_simulators(request).remove_faults())


@delete(
    "/faults/{fault_id:str}",
    opt=requires(Permission.SIMULATORS_WRITE),
    status_code=200,
    responses=LIST_ERRORS,
    summary="Switch a fault of the simulators off",
    operation_id="stop_simulator_fault",
)
async def stop_fault(request: ApiRequest, fault_id: FaultId) -> RemovedFaults:
    """Before its end. One that has ended is not there any more."""
    try:
        return RemovedFaults(await _get_simulators(request).remove_faults(_parse_number(fault_id)))
    except RejectedError as error:
        raise ProblemError(build_problem("not-found", str(error))) from None


@get(
    "/requests",
    opt=requires(Permission.SIMULATORS_READ),
    responses=LIST_ERRORS,
    summary="List the requests that the simulators got",
    operation_id="list_simulated_requests",
)
async def list_requests(
    request: ApiRequest,
    delivery_id: Annotated[str, QueryParameter(description="only those of this delivery", max_length=64)] = "",
    address: Annotated[str, QueryParameter(description="only those to this address", max_length=2048)] = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> SimulatedRequestPage:
    """With those that were refused or not processed, newest first. With a filter: the first 200 that match, on one page."""
    simulators, before = _get_simulators(request), decode_version_cursor(cursor) or 0
    if delivery_id or address:
        found = await simulators.search_requests(delivery_id, address, MAX_SEARCHED)
        return SimulatedRequestPage(found[::-1], None)
    page = await simulators.list_requests(before, limit)
    return SimulatedRequestPage(page, encode_cursor(str(page[-1].seq)) if page and page[-1].seq > 1 else None)


def _get_simulators(request: ApiRequest) -> SimulatorClient:
    """The client. Raises ProblemError where there are no simulators."""
    if (simulators := get_dependencies(request).simulators) is None:
        raise ProblemError(build_problem("not-found", NO_SIMULATORS))
    return simulators


def _parse_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ProblemError(build_problem("not-found", f"{text[:16]!r} is not a number"))
    return int(text)


def _handle_rejected(request: ApiRequest, error: RejectedError) -> Response[bytes]:
    return handle_problem(request, ProblemError(build_validation_problem([build_field_error("$", str(error))])))


router = Router(
    "/v1/simulators",
    route_handlers=[list_messages, get_message, list_faults, start_fault, stop_faults, stop_fault, list_requests],
    exception_handlers={RejectedError: _handle_rejected},
    tags=["simulators"],
)
