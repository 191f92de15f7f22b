"""The resource /v1/users/{id}/consent-proof: a signed proof of a user's consent, which a stranger can verify."""

from typing import Any

import msgspec
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from app.admin.consent_proofs import NO_KEY
from app.api.access import requires
from app.api.audit_bodies import ConsentProof
from app.api.bodies import ActorHeader, build_origin
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import STORE_UNAVAILABLE, UNAUTHORIZED, describe_problem
from app.api.problems import ProblemError, build_problem
from app.api.resources.users import UserId
from schemas.permissions import Permission

ERRORS = {
    **UNAUTHORIZED,
    409: describe_problem("audit.signing_key is not set"),
    422: describe_problem("the id of the user is not valid"),
    **STORE_UNAVAILABLE,
}


@get(
    "/{user_id:str}/consent-proof",
    opt=requires(Permission.USERS_EXPORT),
    responses={**ERRORS, 200: ResponseSpec(ConsentProof, description="the proof", generate_examples=False)},
    summary="Prove a user's consent",
    operation_id="get_consent_proof",
)
async def get_consent_proof(request: ApiRequest, user_id: UserId, actor: ActorHeader = None) -> Response[Any]:
    """The user's events of consent, the way from each to a signed head of the log, and the deliveries with the event that allowed them.
    A user without events gets a proof without any. docs/consent_proof.py verifies it. The audit log keeps who asked for it.
    """
    proofs = get_dependencies(request).consent_proofs
    if not proofs.is_possible:
        raise ProblemError(build_problem("conflict", NO_KEY))
    proof = await proofs.make(user_id, build_origin(actor, "api").actor)
    return Response(msgspec.json.encode(proof), media_type="application/json")


router = Router("/v1/users", route_handlers=[get_consent_proof], tags=["consent"])
