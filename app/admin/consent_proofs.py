"""Makes a proof of a user's consent: signs the head of the log first, so that the proof has everything that was committed."""

from typing import Any, Final

from schemas.checkpoints import CheckpointKeys
from schemas.consent_proof import build_proof
from schemas.projects import leave_project, project_in_force
from schemas.users import AUDIT_ENTRY_PREFIX
from tables.postgres.audit_log import append_audit_entry
from tables.postgres.consent_proofs import read_proof_content
from tables.postgres.database import Database
from tables.postgres.log_chain import CheckpointPolicy, LogChainStore
from tables.postgres.preferences import MakeId

NO_KEY: Final = "audit.signing_key is empty, and without it nothing can be proven: an operator must set it"
_MAX_LINKS: Final = 1000  # in one transaction
_AT_ONCE = CheckpointPolicy(0.0, 1)


class ConsentProofs:
    """Makes proofs; each is noted in the audit log. `keys` is None if nothing can be signed."""

    def __init__(self, database: Database, keys: CheckpointKeys | None, make_id: MakeId) -> None:
        self._database, self._keys, self._make_id = database, keys, make_id

    @property
    def is_possible(self) -> bool:
        """Whether there is a key."""
        return self._keys is not None

    async def make(self, user_id: str, actor: str) -> dict[str, Any]:
        """The signed proof of what is known of the user's consent; without events if there are none. Raises UnavailableError.

        Raises ValueError without a key.
        """
        if self._keys is None:
            raise ValueError(NO_KEY)
        has_addresses = not project_in_force.get()  # events of addresses alone are the default project's
        with leave_project():  # the way to a signed head leads over the entries of all projects, by their hashes
            await LogChainStore(self._database, self._keys, _AT_ONCE).sign_now("consent", _MAX_LINKS)
            content = await read_proof_content(self._database, user_id, has_addresses=has_addresses)
        details = {"events": len(content.entries), "deliveries": len(content.deliveries)}
        entry_id = self._make_id(AUDIT_ENTRY_PREFIX)
        await append_audit_entry(self._database, entry_id, actor, "prove_consent", "user", user_id, details)
        return build_proof(content, self._keys)
