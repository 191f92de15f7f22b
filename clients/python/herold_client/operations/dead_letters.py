"""The operations on dead letters. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body
from herold_client.transport import AsyncTransport, Transport, make_key


class DeadLetters(Transport):
    """The operations on dead letters."""

    def list_dead_letters(
        self,
        *,
        reason: str | None = None,
        stage: Literal["router", "delivery", "scheduler", "recorder"] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        type: str | None = None,
        user_id: str | None = None,
        notification_id: str | None = None,
        account: str | None = None,
        state: Literal["open", "redriven", "discarded"] | None = None,
        cause: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.DeadLetterPage:
        """List dead letters. Newest first, without their bytes; addresses in errors are redacted."""
        result: models.DeadLetterPage = self.call(
            Request(
                "GET",
                "/v1/dead-letters",
                query={
                    "reason": reason,
                    "stage": stage,
                    "channel": channel,
                    "type": type,
                    "user_id": user_id,
                    "notification_id": notification_id,
                    "account": account,
                    "state": state,
                    "cause": cause,
                    "since": since,
                    "until": until,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.DeadLetterPage},
        )
        return result

    def iterate_dead_letters(
        self,
        *,
        reason: str | None = None,
        stage: Literal["router", "delivery", "scheduler", "recorder"] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        type: str | None = None,
        user_id: str | None = None,
        notification_id: str | None = None,
        account: str | None = None,
        state: Literal["open", "redriven", "discarded"] | None = None,
        cause: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> Iterator[models.StoredDeadLetter]:
        """All items of `list_dead_letters`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_dead_letters(
                reason=reason,
                stage=stage,
                channel=channel,
                type=type,
                user_id=user_id,
                notification_id=notification_id,
                account=account,
                state=state,
                cause=cause,
                since=since,
                until=until,
                limit=limit,
                cursor=cursor,
            )
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def list_dead_letter_causes(
        self,
        *,
        reason: str | None = None,
        stage: Literal["router", "delivery", "scheduler", "recorder"] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        type: str | None = None,
        user_id: str | None = None,
        account: str | None = None,
        state: Literal["open", "redriven", "discarded"] | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> models.CauseList:
        """Group dead letters by cause. The most frequent cause first: stage, reason, provider's code, and the error without ids, addresses and numbers."""
        result: models.CauseList = self.call(
            Request(
                "GET",
                "/v1/dead-letters/causes",
                query={
                    "reason": reason,
                    "stage": stage,
                    "channel": channel,
                    "type": type,
                    "user_id": user_id,
                    "account": account,
                    "state": state,
                    "since": since,
                    "until": until,
                    "limit": limit,
                },
            ),
            {200: models.CauseList},
        )
        return result

    def discard_dead_letters(
        self,
        body: models.DiscardRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.DiscardResponse:
        """Discard dead letters. The open ones that the filter selects, or those with these ids; not those that a redrive is about to send."""
        result: models.DiscardResponse = self.call(
            Request(
                "POST",
                "/v1/dead-letters/discard",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.DiscardResponse},
        )
        return result

    def get_dead_letter(
        self,
        dead_letter_id: str,
        *,
        exact: bool | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.DeadLetterDetails:
        """Get a dead letter. With its record: addresses and bodies are masked unless the exact bytes are asked for, which needs users:unmask."""
        result: models.DeadLetterDetails = self.call(
            Request(
                "GET",
                "/v1/dead-letters/{dead_letter_id}",
                path_values={"dead_letter_id": dead_letter_id},
                query={"exact": exact},
                headers={"Herold-Actor": actor, "Herold-Source": source},
            ),
            {200: models.DeadLetterDetails},
        )
        return result

    def discard_dead_letter(
        self,
        dead_letter_id: str,
        body: models.DiscardReason,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.DeadLetterDetails:
        """Discard a dead letter. It stays in the list, and nothing sends it again."""
        result: models.DeadLetterDetails = self.call(
            Request(
                "POST",
                "/v1/dead-letters/{dead_letter_id}/discard",
                path_values={"dead_letter_id": dead_letter_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.DeadLetterDetails},
        )
        return result

    def redrive_dead_letter(
        self,
        dead_letter_id: str,
        body: models.Submission,
        *,
        include_delivered: bool | None = None,
        extend_expiry: int | None = None,
        reason: str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Redrive:
        """Redrive a dead letter, as it is or with another value. Without a body as it is. A body replaces the value of a notification, and is validated as a submission is."""
        result: models.Redrive = self.call(
            Request(
                "POST",
                "/v1/dead-letters/{dead_letter_id}/redrive",
                path_values={"dead_letter_id": dead_letter_id},
                query={"include_delivered": include_delivered, "extend_expiry": extend_expiry, "reason": reason},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.Redrive},
        )
        return result

    def list_redrives(
        self,
        *,
        state: Literal["pending", "running", "paused", "cancelled", "done", "failed"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.RedrivePage:
        """List redrives. Newest first."""
        result: models.RedrivePage = self.call(
            Request("GET", "/v1/redrives", query={"state": state, "limit": limit, "cursor": cursor}), {200: models.RedrivePage}
        )
        return result

    def iterate_redrives(
        self, *, state: Literal["pending", "running", "paused", "cancelled", "done", "failed"] | None = None, limit: int | None = None
    ) -> Iterator[models.Redrive]:
        """All items of `list_redrives`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_redrives(state=state, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_redrive(
        self,
        body: models.RedriveRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.RedrivePreview | models.Redrive:
        """Redrive dead letters. What is selected now is sent again, within a second, at the rate. With `preview` it is counted and judged, and nothing is sent."""
        result: models.RedrivePreview | models.Redrive = self.call(
            Request(
                "POST",
                "/v1/redrives",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.RedrivePreview, 201: models.Redrive},
        )
        return result

    def get_redrive(self, redrive_id: str) -> models.Redrive:
        """Get a redrive. With its progress: `redriven_count` and `skipped_counts` of `total_count` dead letters."""
        result: models.Redrive = self.call(
            Request("GET", "/v1/redrives/{redrive_id}", path_values={"redrive_id": redrive_id}), {200: models.Redrive}
        )
        return result

    def cancel_redrive(
        self,
        redrive_id: str,
        body: models.RedriveActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Redrive:
        """Cancel a redrive. It ends after the page that is in hand; what is not produced stays open."""
        result: models.Redrive = self.call(
            Request(
                "POST",
                "/v1/redrives/{redrive_id}/cancel",
                path_values={"redrive_id": redrive_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Redrive},
        )
        return result

    def pause_redrive(
        self,
        redrive_id: str,
        body: models.RedriveActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Redrive:
        """Pause a redrive. It stops after the page that is in hand."""
        result: models.Redrive = self.call(
            Request(
                "POST",
                "/v1/redrives/{redrive_id}/pause",
                path_values={"redrive_id": redrive_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Redrive},
        )
        return result

    def resume_redrive(
        self,
        redrive_id: str,
        body: models.RedriveActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Redrive:
        """Resume a redrive. It goes on where it was paused, or where it failed."""
        result: models.Redrive = self.call(
            Request(
                "POST",
                "/v1/redrives/{redrive_id}/resume",
                path_values={"redrive_id": redrive_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Redrive},
        )
        return result


class AsyncDeadLetters(AsyncTransport):
    """The operations on dead letters, to await."""

    async def list_dead_letters(
        self,
        *,
        reason: str | None = None,
        stage: Literal["router", "delivery", "scheduler", "recorder"] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        type: str | None = None,
        user_id: str | None = None,
        notification_id: str | None = None,
        account: str | None = None,
        state: Literal["open", "redriven", "discarded"] | None = None,
        cause: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.DeadLetterPage:
        """List dead letters. Newest first, without their bytes; addresses in errors are redacted."""
        result: models.DeadLetterPage = await self.call(
            Request(
                "GET",
                "/v1/dead-letters",
                query={
                    "reason": reason,
                    "stage": stage,
                    "channel": channel,
                    "type": type,
                    "user_id": user_id,
                    "notification_id": notification_id,
                    "account": account,
                    "state": state,
                    "cause": cause,
                    "since": since,
                    "until": until,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.DeadLetterPage},
        )
        return result

    async def iterate_dead_letters(
        self,
        *,
        reason: str | None = None,
        stage: Literal["router", "delivery", "scheduler", "recorder"] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        type: str | None = None,
        user_id: str | None = None,
        notification_id: str | None = None,
        account: str | None = None,
        state: Literal["open", "redriven", "discarded"] | None = None,
        cause: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.StoredDeadLetter]:
        """All items of `list_dead_letters`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_dead_letters(
                reason=reason,
                stage=stage,
                channel=channel,
                type=type,
                user_id=user_id,
                notification_id=notification_id,
                account=account,
                state=state,
                cause=cause,
                since=since,
                until=until,
                limit=limit,
                cursor=cursor,
            )
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def list_dead_letter_causes(
        self,
        *,
        reason: str | None = None,
        stage: Literal["router", "delivery", "scheduler", "recorder"] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        type: str | None = None,
        user_id: str | None = None,
        account: str | None = None,
        state: Literal["open", "redriven", "discarded"] | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> models.CauseList:
        """Group dead letters by cause. The most frequent cause first: stage, reason, provider's code, and the error without ids, addresses and numbers."""
        result: models.CauseList = await self.call(
            Request(
                "GET",
                "/v1/dead-letters/causes",
                query={
                    "reason": reason,
                    "stage": stage,
                    "channel": channel,
                    "type": type,
                    "user_id": user_id,
                    "account": account,
                    "state": state,
                    "since": since,
                    "until": until,
                    "limit": limit,
                },
            ),
            {200: models.CauseList},
        )
        return result

    async def discard_dead_letters(
        self,
        body: models.DiscardRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.DiscardResponse:
        """Discard dead letters. The open ones that the filter selects, or those with these ids; not those that a redrive is about to send."""
        result: models.DiscardResponse = await self.call(
            Request(
                "POST",
                "/v1/dead-letters/discard",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.DiscardResponse},
        )
        return result

    async def get_dead_letter(
        self,
        dead_letter_id: str,
        *,
        exact: bool | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.DeadLetterDetails:
        """Get a dead letter. With its record: addresses and bodies are masked unless the exact bytes are asked for, which needs users:unmask."""
        result: models.DeadLetterDetails = await self.call(
            Request(
                "GET",
                "/v1/dead-letters/{dead_letter_id}",
                path_values={"dead_letter_id": dead_letter_id},
                query={"exact": exact},
                headers={"Herold-Actor": actor, "Herold-Source": source},
            ),
            {200: models.DeadLetterDetails},
        )
        return result

    async def discard_dead_letter(
        self,
        dead_letter_id: str,
        body: models.DiscardReason,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.DeadLetterDetails:
        """Discard a dead letter. It stays in the list, and nothing sends it again."""
        result: models.DeadLetterDetails = await self.call(
            Request(
                "POST",
                "/v1/dead-letters/{dead_letter_id}/discard",
                path_values={"dead_letter_id": dead_letter_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.DeadLetterDetails},
        )
        return result

    async def redrive_dead_letter(
        self,
        dead_letter_id: str,
        body: models.Submission,
        *,
        include_delivered: bool | None = None,
        extend_expiry: int | None = None,
        reason: str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Redrive:
        """Redrive a dead letter, as it is or with another value. Without a body as it is. A body replaces the value of a notification, and is validated as a submission is."""
        result: models.Redrive = await self.call(
            Request(
                "POST",
                "/v1/dead-letters/{dead_letter_id}/redrive",
                path_values={"dead_letter_id": dead_letter_id},
                query={"include_delivered": include_delivered, "extend_expiry": extend_expiry, "reason": reason},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.Redrive},
        )
        return result

    async def list_redrives(
        self,
        *,
        state: Literal["pending", "running", "paused", "cancelled", "done", "failed"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.RedrivePage:
        """List redrives. Newest first."""
        result: models.RedrivePage = await self.call(
            Request("GET", "/v1/redrives", query={"state": state, "limit": limit, "cursor": cursor}), {200: models.RedrivePage}
        )
        return result

    async def iterate_redrives(
        self, *, state: Literal["pending", "running", "paused", "cancelled", "done", "failed"] | None = None, limit: int | None = None
    ) -> AsyncIterator[models.Redrive]:
        """All items of `list_redrives`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_redrives(state=state, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_redrive(
        self,
        body: models.RedriveRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.RedrivePreview | models.Redrive:
        """Redrive dead letters. What is selected now is sent again, within a second, at the rate. With `preview` it is counted and judged, and nothing is sent."""
        result: models.RedrivePreview | models.Redrive = await self.call(
            Request(
                "POST",
                "/v1/redrives",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.RedrivePreview, 201: models.Redrive},
        )
        return result

    async def get_redrive(self, redrive_id: str) -> models.Redrive:
        """Get a redrive. With its progress: `redriven_count` and `skipped_counts` of `total_count` dead letters."""
        result: models.Redrive = await self.call(
            Request("GET", "/v1/redrives/{redrive_id}", path_values={"redrive_id": redrive_id}), {200: models.Redrive}
        )
        return result

    async def cancel_redrive(
        self,
        redrive_id: str,
        body: models.RedriveActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Redrive:
        """Cancel a redrive. It ends after the page that is in hand; what is not produced stays open."""
        result: models.Redrive = await self.call(
            Request(
                "POST",
                "/v1/redrives/{redrive_id}/cancel",
                path_values={"redrive_id": redrive_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Redrive},
        )
        return result

    async def pause_redrive(
        self,
        redrive_id: str,
        body: models.RedriveActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Redrive:
        """Pause a redrive. It stops after the page that is in hand."""
        result: models.Redrive = await self.call(
            Request(
                "POST",
                "/v1/redrives/{redrive_id}/pause",
                path_values={"redrive_id": redrive_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Redrive},
        )
        return result

    async def resume_redrive(
        self,
        redrive_id: str,
        body: models.RedriveActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Redrive:
        """Resume a redrive. It goes on where it was paused, or where it failed."""
        result: models.Redrive = await self.call(
            Request(
                "POST",
                "/v1/redrives/{redrive_id}/resume",
                path_values={"redrive_id": redrive_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Redrive},
        )
        return result
