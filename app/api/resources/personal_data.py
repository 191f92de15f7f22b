"""The resources /v1/users/{id}/export and /v1/users/{id}/erasure."""

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec

from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, check_stored, decode_json, raise_for_problems
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import STORE_UNAVAILABLE, UNAUTHORIZED, describe_body, describe_problem
from app.api.principal import get_principal
from app.api.resources.audiences import handle_conflict
from app.api.resources.users import UserId
from app.api.services.personal_data import PersonalData, UserExport
from schemas.erasures import Erasure, ErasureRequest
from schemas.errors import ConflictError
from schemas.permissions import Permission
from schemas.user_validation import find_user_id_problems

EXPORT_ERRORS = {**UNAUTHORIZED, 422: describe_problem("the id is not valid"), **STORE_UNAVAILABLE}
ERASURE_ERRORS = {
    **EXPORT_ERRORS,
    409: describe_problem("the user has suppressed addresses, and encryption.index_key is not set"),
    503: describe_problem("PostgreSQL, Redis or the provider does not answer: what is missing is done by the next call"),
}


@get(
    "/{user_id:str}/export",
    opt=requires(Permission.USERS_EXPORT),
    responses=EXPORT_ERRORS,
    summary="Export a user",
    operation_id="export_user",
)
async def export_user(request: ApiRequest, user_id: UserId) -> UserExport:
    """All that is stored of the user, also of one whose row was deleted; without masks. The texts of messages are not stored."""
    raise_for_problems(find_user_id_problems(user_id))
    return await _get_service(request).export(user_id, get_principal(request).actor)


@post(
    "/{user_id:str}/erasure",
    opt=requires(Permission.USERS_ERASE),
    operation_class=describe_body("ErasureRequest", {"reason": "request 4711 of the user"}),
    status_code=200,
    responses={200: ResponseSpec(Erasure, description="the entry of the erasure log"), **ERASURE_ERRORS},
    summary="Erase a user",
    operation_id="erase_user",
)
async def erase_user(request: ApiRequest, user_id: UserId, actor: ActorHeader = None, source: SourceHeader = "api") -> Response[Erasure]:
    """Destroys the keys of the user and deletes the rows. Of suppressed addresses a hash stays, so that nothing is sent to them again."""
    raise_for_problems(find_user_id_problems(user_id))
    body = check_stored(decode_json(await request.body() or b"{}", ErasureRequest))
    return Response(await _get_service(request).erase(user_id, build_origin(actor, source, body.reason)), status_code=200)


def _get_service(request: ApiRequest) -> PersonalData:
    return get_dependencies(request).personal_data


router = Router("/v1/users", route_handlers=[export_user, erase_user], exception_handlers={ConflictError: handle_conflict}, tags=["users"])
