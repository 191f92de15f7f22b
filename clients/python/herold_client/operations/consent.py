"""The operations on consent. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from herold_client import models
from herold_client.requests import Request
from herold_client.transport import AsyncTransport, Transport


class Consent(Transport):
    """The operations on consent."""

    def get_consent_proof(self, user_id: str, *, actor: str | None = None) -> models.ConsentProof:
        """Prove a user's consent. The user's events of consent, the way from each to a signed head of the log, and the deliveries with the event that allowed them.
        A user without events gets a proof without any. docs/consent_proof.py verifies it. The audit log keeps who asked for it."""
        result: models.ConsentProof = self.call(
            Request("GET", "/v1/users/{user_id}/consent-proof", path_values={"user_id": user_id}, headers={"Herold-Actor": actor}),
            {200: models.ConsentProof},
        )
        return result


class AsyncConsent(AsyncTransport):
    """The operations on consent, to await."""

    async def get_consent_proof(self, user_id: str, *, actor: str | None = None) -> models.ConsentProof:
        """Prove a user's consent. The user's events of consent, the way from each to a signed head of the log, and the deliveries with the event that allowed them.
        A user without events gets a proof without any. docs/consent_proof.py verifies it. The audit log keeps who asked for it."""
        result: models.ConsentProof = await self.call(
            Request("GET", "/v1/users/{user_id}/consent-proof", path_values={"user_id": user_id}, headers={"Herold-Actor": actor}),
            {200: models.ConsentProof},
        )
        return result
