"""The operations on rules. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport, make_key


class Rules(Transport):
    """The operations on rules."""

    def list_rules(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.RulePage:
        """List rules. In the order of types."""
        result: models.RulePage = self.call(
            Request("GET", "/v1/rules", query={"search": search, "limit": limit, "cursor": cursor}), {200: models.RulePage}
        )
        return result

    def iterate_rules(self, *, search: str | None = None, limit: int | None = None) -> Iterator[models.RuleResponse]:
        """All items of `list_rules`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_rules(search=search, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def get_rule(self, rule_type: str) -> models.RuleResponse:
        """Get a rule. The ETag is the version."""
        result: models.RuleResponse = self.call(
            Request("GET", "/v1/rules/{rule_type}", path_values={"rule_type": rule_type}), {200: models.RuleResponse}
        )
        return result

    def put_rule(
        self,
        rule_type: str,
        body: models.RuleEntry,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        comment: str | None = None,
    ) -> models.RuleResponse:
        """Create or replace a rule. Creates a rule for a type that has none. One that exists is replaced as a whole, for which If-Match is needed."""
        result: models.RuleResponse = self.call(
            Request(
                "PUT",
                "/v1/rules/{rule_type}",
                path_values={"rule_type": rule_type},
                query={"comment": comment},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.RuleResponse, 201: models.RuleResponse},
        )
        return result

    def delete_rule(
        self,
        rule_type: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        comment: str | None = None,
    ) -> None:
        """Delete a rule. Notifications of the type become dead letters. The versions stay, so that the rule can be rolled back. Needs If-Match."""
        result: None = self.call(
            Request(
                "DELETE",
                "/v1/rules/{rule_type}",
                path_values={"rule_type": rule_type},
                query={"comment": comment},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    def check_rule(self, rule_type: str, body: models.RuleEntry) -> models.RuleCheck:
        """Check a rule. Finds the problems that PUT would find, and what would change; nothing is stored. `version` is that in force, 0 without one."""
        result: models.RuleCheck = self.call(
            Request("POST", "/v1/rules/{rule_type}/check", path_values={"rule_type": rule_type}, body=encode_body(body)),
            {200: models.RuleCheck},
        )
        return result

    def roll_back_rule(
        self,
        rule_type: str,
        body: models.RuleRollback,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        comment: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.RuleResponse:
        """Roll a rule back to a version. The contents of the version become the newest one. Needs If-Match; `*` for a rule that was deleted."""
        result: models.RuleResponse = self.call(
            Request(
                "POST",
                "/v1/rules/{rule_type}/rollback",
                path_values={"rule_type": rule_type},
                query={"comment": comment},
                headers={
                    "If-Match": format_version(if_match),
                    "Herold-Actor": actor,
                    "Herold-Source": source,
                    "Idempotency-Key": idempotency_key or make_key(),
                },
                body=encode_body(body),
            ),
            {200: models.RuleResponse},
        )
        return result

    def simulate_rule(self, rule_type: str, body: models.RuleSimulationRequest) -> models.TypeSimulationReport:
        """Simulate a rule. What the rule would decide about the newest notifications of its type that Kafka has, beside the rules in force; nothing is sent.

        It names notifications as examples, so `notifications:read` is needed, too."""
        result: models.TypeSimulationReport = self.call(
            Request("POST", "/v1/rules/{rule_type}/simulate", path_values={"rule_type": rule_type}, body=encode_body(body)),
            {200: models.TypeSimulationReport},
        )
        return result

    def list_rule_versions(self, rule_type: str, *, limit: int | None = None, cursor: str | None = None) -> models.RuleVersionPage:
        """List the versions of a rule. Newest first, with who made each and why; `rule` is null in the version that deleted it."""
        result: models.RuleVersionPage = self.call(
            Request(
                "GET", "/v1/rules/{rule_type}/versions", path_values={"rule_type": rule_type}, query={"limit": limit, "cursor": cursor}
            ),
            {200: models.RuleVersionPage},
        )
        return result

    def iterate_rule_versions(self, rule_type: str, *, limit: int | None = None) -> Iterator[models.RuleVersion]:
        """All items of `list_rule_versions`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_rule_versions(rule_type, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor


class AsyncRules(AsyncTransport):
    """The operations on rules, to await."""

    async def list_rules(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.RulePage:
        """List rules. In the order of types."""
        result: models.RulePage = await self.call(
            Request("GET", "/v1/rules", query={"search": search, "limit": limit, "cursor": cursor}), {200: models.RulePage}
        )
        return result

    async def iterate_rules(self, *, search: str | None = None, limit: int | None = None) -> AsyncIterator[models.RuleResponse]:
        """All items of `list_rules`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_rules(search=search, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def get_rule(self, rule_type: str) -> models.RuleResponse:
        """Get a rule. The ETag is the version."""
        result: models.RuleResponse = await self.call(
            Request("GET", "/v1/rules/{rule_type}", path_values={"rule_type": rule_type}), {200: models.RuleResponse}
        )
        return result

    async def put_rule(
        self,
        rule_type: str,
        body: models.RuleEntry,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        comment: str | None = None,
    ) -> models.RuleResponse:
        """Create or replace a rule. Creates a rule for a type that has none. One that exists is replaced as a whole, for which If-Match is needed."""
        result: models.RuleResponse = await self.call(
            Request(
                "PUT",
                "/v1/rules/{rule_type}",
                path_values={"rule_type": rule_type},
                query={"comment": comment},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.RuleResponse, 201: models.RuleResponse},
        )
        return result

    async def delete_rule(
        self,
        rule_type: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        comment: str | None = None,
    ) -> None:
        """Delete a rule. Notifications of the type become dead letters. The versions stay, so that the rule can be rolled back. Needs If-Match."""
        result: None = await self.call(
            Request(
                "DELETE",
                "/v1/rules/{rule_type}",
                path_values={"rule_type": rule_type},
                query={"comment": comment},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    async def check_rule(self, rule_type: str, body: models.RuleEntry) -> models.RuleCheck:
        """Check a rule. Finds the problems that PUT would find, and what would change; nothing is stored. `version` is that in force, 0 without one."""
        result: models.RuleCheck = await self.call(
            Request("POST", "/v1/rules/{rule_type}/check", path_values={"rule_type": rule_type}, body=encode_body(body)),
            {200: models.RuleCheck},
        )
        return result

    async def roll_back_rule(
        self,
        rule_type: str,
        body: models.RuleRollback,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        comment: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.RuleResponse:
        """Roll a rule back to a version. The contents of the version become the newest one. Needs If-Match; `*` for a rule that was deleted."""
        result: models.RuleResponse = await self.call(
            Request(
                "POST",
                "/v1/rules/{rule_type}/rollback",
                path_values={"rule_type": rule_type},
                query={"comment": comment},
                headers={
                    "If-Match": format_version(if_match),
                    "Herold-Actor": actor,
                    "Herold-Source": source,
                    "Idempotency-Key": idempotency_key or make_key(),
                },
                body=encode_body(body),
            ),
            {200: models.RuleResponse},
        )
        return result

    async def simulate_rule(self, rule_type: str, body: models.RuleSimulationRequest) -> models.TypeSimulationReport:
        """Simulate a rule. What the rule would decide about the newest notifications of its type that Kafka has, beside the rules in force; nothing is sent.

        It names notifications as examples, so `notifications:read` is needed, too."""
        result: models.TypeSimulationReport = await self.call(
            Request("POST", "/v1/rules/{rule_type}/simulate", path_values={"rule_type": rule_type}, body=encode_body(body)),
            {200: models.TypeSimulationReport},
        )
        return result

    async def list_rule_versions(self, rule_type: str, *, limit: int | None = None, cursor: str | None = None) -> models.RuleVersionPage:
        """List the versions of a rule. Newest first, with who made each and why; `rule` is null in the version that deleted it."""
        result: models.RuleVersionPage = await self.call(
            Request(
                "GET", "/v1/rules/{rule_type}/versions", path_values={"rule_type": rule_type}, query={"limit": limit, "cursor": cursor}
            ),
            {200: models.RuleVersionPage},
        )
        return result

    async def iterate_rule_versions(self, rule_type: str, *, limit: int | None = None) -> AsyncIterator[models.RuleVersion]:
        """All items of `list_rule_versions`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_rule_versions(rule_type, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor
