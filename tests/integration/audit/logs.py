"""A database with entries in both logs, and a superuser who changes them with the triggers off."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from app.admin.log_verification import KnownHead, VerifiedLog, verify_log
from schemas.checkpoints import CheckpointKeys, LinkedLog
from schemas.ids import make_id
from schemas.log_chain import LogName
from schemas.users import ChangeOrigin, PreferenceChange, SuppressionRequest, UserChange
from tables.postgres.database import Database
from tables.postgres.log_chain import CheckpointPolicy, LogChainStore
from tables.postgres.preferences import PreferenceStore
from tables.postgres.suppressions import SuppressionStore
from tables.postgres.users import UserStore
from tests.event_builders import NOW

KEYS = CheckpointKeys([b"k" * 32])
ORIGIN = ChangeOrigin("api", "Zoë", "asked for it")
AT_ONCE = CheckpointPolicy(0.0, 1)


@dataclass
class Logs:
    """The logs of one database; the sample's entries are linked and signed already."""

    database: Database
    keys: CheckpointKeys | None = KEYS
    policy: CheckpointPolicy = AT_ONCE
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def make_id(self, prefix: str) -> str:
        number = next(self._numbers)
        return make_id(prefix, NOW + number, number)

    @property
    def chains(self) -> LogChainStore:
        return LogChainStore(self.database, self.keys, self.policy)

    async def add_users(self, *user_ids: str) -> None:
        """An entry of the audit log for each."""
        users = UserStore(self.database, self.make_id)
        for user_id in user_ids:
            await users.create(user_id, UserChange(addresses={"email": f"{user_id}@example.org"}), ORIGIN)

    async def opt_in(self, user_id: str, *categories: str) -> None:
        """An event of consent for each."""
        changes = [PreferenceChange("in", category) for category in categories]
        await PreferenceStore(self.database, self.make_id).change(user_id, changes, None, ORIGIN)

    async def suppress(self, address: str) -> None:
        """An event of consent of whoever has the address."""
        await SuppressionStore(self.database, self.make_id).create(SuppressionRequest(channel="email", address=address), ORIGIN)

    async def link(self, limit: int = 1000) -> Sequence[LinkedLog]:
        return await self.chains.link(limit)

    async def verify(self, log: LogName = "audit", known_head: KnownHead | None = None) -> VerifiedLog:
        return await verify_log(self.database, log, self.keys, known_head)

    async def tamper(self, *statements: str) -> None:
        """What somebody does who has all rights on the database."""
        async with self.database.acquire_connection() as connection:
            await connection.execute("set session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)
            await connection.execute("set session_replication_role = origin")
