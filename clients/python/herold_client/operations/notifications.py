"""The operations on notifications. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body
from herold_client.transport import AsyncTransport, Transport, make_key


class Notifications(Transport):
    """The operations on notifications."""

    def list_notifications(
        self,
        *,
        user_id: str | None = None,
        type: str | None = None,
        category: str | None = None,
        state: models.State | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        reason: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        since: float | None = None,
        until: float | None = None,
        before: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.NotificationPage:
        """List notifications. Newest first, without attempts. A page may have fewer items than `limit`, or none, and still be followed by another one."""
        result: models.NotificationPage = self.call(
            Request(
                "GET",
                "/v1/notifications",
                query={
                    "user_id": user_id,
                    "type": type,
                    "category": category,
                    "state": state,
                    "priority": priority,
                    "reason": reason,
                    "channel": channel,
                    "since": since,
                    "until": until,
                    "before": before,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.NotificationPage},
        )
        return result

    def iterate_notifications(
        self,
        *,
        user_id: str | None = None,
        type: str | None = None,
        category: str | None = None,
        state: models.State | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        reason: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        since: float | None = None,
        until: float | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Iterator[models.NotificationResponse]:
        """All items of `list_notifications`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_notifications(
                user_id=user_id,
                type=type,
                category=category,
                state=state,
                priority=priority,
                reason=reason,
                channel=channel,
                since=since,
                until=until,
                before=before,
                limit=limit,
                cursor=cursor,
            )
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def submit_notification(self, body: models.Submission, *, idempotency_key: str | None = None) -> models.SubmissionResponse:
        """Submit a notification. Responds with 202 after all in-sync replicas of the topic have confirmed the notification.

        Also takes CloudEvents 1.0 in structured, batched and binary content mode; a batch is answered as a bulk request is."""
        result: models.SubmissionResponse = self.call(
            Request("POST", "/v1/notifications", headers={"Idempotency-Key": idempotency_key or make_key()}, body=encode_body(body)),
            {202: models.SubmissionResponse},
        )
        return result

    def submit_notifications(self, body: models.BulkRequest, *, idempotency_key: str | None = None) -> models.BulkSubmissionResponse:
        """Submit up to 1,000 notifications. Accepts the valid notifications and reports the others: 202 if all are accepted, 207 if some are, 422 if none is valid."""
        result: models.BulkSubmissionResponse = self.call(
            Request("POST", "/v1/notifications/bulk", headers={"Idempotency-Key": idempotency_key or make_key()}, body=encode_body(body)),
            {202: models.BulkSubmissionResponse, 207: models.BulkSubmissionResponse},
        )
        return result

    def export_notifications(
        self,
        *,
        user_id: str | None = None,
        type: str | None = None,
        category: str | None = None,
        state: models.State | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        reason: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> str:
        """Export notifications as CSV. As the list is, newest first, streamed. A cell that a spreadsheet would take for a formula begins with an apostrophe. If others
        remain after 400 queries, the last line begins with `incomplete:` and says how to go on. If PostgreSQL fails in the middle, the
        connection is closed before the end."""
        result: str = self.call(
            Request(
                "GET",
                "/v1/notifications/export",
                query={
                    "user_id": user_id,
                    "type": type,
                    "category": category,
                    "state": state,
                    "priority": priority,
                    "reason": reason,
                    "channel": channel,
                    "since": since,
                    "until": until,
                    "limit": limit,
                },
            ),
            {200: str},
        )
        return result

    def preview_notification(self, body: models.Submission, *, at: float | None = None) -> models.NotificationPreviewResponse:
        """Preview a notification. What would become of this notification if it were submitted: the decision of each gate, and what would be sent. Nothing is.

        The router's own gates decide by the present rules, templates, profile, preferences and windows of its user. What submitting rejects is
        rejected with the same errors. Also needs `notifications:send` or `preferences:read`, because it shows what the user chose."""
        result: models.NotificationPreviewResponse = self.call(
            Request("POST", "/v1/notifications/preview", query={"at": at}, body=encode_body(body)),
            {200: models.NotificationPreviewResponse},
        )
        return result

    def get_notification(self, notification_id: str, *, user_id: str | None = None) -> models.NotificationResponse:
        """Get a notification. The state, the deliveries and every attempt. The state is `accepted` until the decision or an attempt is recorded."""
        result: models.NotificationResponse = self.call(
            Request(
                "GET", "/v1/notifications/{notification_id}", path_values={"notification_id": notification_id}, query={"user_id": user_id}
            ),
            {200: models.NotificationResponse},
        )
        return result

    def cancel_notification(
        self, notification_id: str, *, user_id: str | None = None
    ) -> models.NotificationResponse | models.HeldChangeResponse:
        """Cancel a held notification. The scheduler decides whether the notification is still held; the request waits for its answer for up to 3 s."""
        result: models.NotificationResponse | models.HeldChangeResponse = self.call(
            Request(
                "DELETE",
                "/v1/notifications/{notification_id}",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id},
            ),
            {200: models.NotificationResponse, 202: models.HeldChangeResponse},
        )
        return result

    def reschedule_notification(
        self, notification_id: str, body: models.NotificationChange, *, user_id: str | None = None
    ) -> models.NotificationResponse | models.HeldChangeResponse:
        """Move a held notification to another time. The scheduler decides whether the notification is still held. The gate that holds it judges again when it is released."""
        result: models.NotificationResponse | models.HeldChangeResponse = self.call(
            Request(
                "PATCH",
                "/v1/notifications/{notification_id}",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id},
                body=encode_body(body),
            ),
            {200: models.NotificationResponse, 202: models.HeldChangeResponse},
        )
        return result

    def explain_notification(self, notification_id: str, *, user_id: str | None = None) -> models.ExplanationResponse:
        """Explain a notification. Why the notification has its state: a sentence, each gate of the router, and each delivery with its attempts and later events."""
        result: models.ExplanationResponse = self.call(
            Request(
                "GET",
                "/v1/notifications/{notification_id}/explain",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id},
            ),
            {200: models.ExplanationResponse},
        )
        return result

    def mark_notification_as_read(
        self, notification_id: str, *, user_id: str | None = None, idempotency_key: str | None = None
    ) -> models.NotificationResponse:
        """Mark a notification as read. The user has read it, on whichever channel: no further channel follows if its rule escalates unless `read`. May be repeated."""
        result: models.NotificationResponse = self.call(
            Request(
                "POST",
                "/v1/notifications/{notification_id}/read",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
            ),
            {200: models.NotificationResponse},
        )
        return result

    def list_notification_records(
        self, notification_id: str, *, user_id: str | None = None, masked: bool | None = None
    ) -> models.NotificationRecordsResponse:
        """List the records of a notification. Topic, partition and offset of each record that Kafka still has of it, and what its deliveries said, by its newest record.

        Contents and addresses are masked unless the caller has `users:unmask`; then the audit log says that they were read."""
        result: models.NotificationRecordsResponse = self.call(
            Request(
                "GET",
                "/v1/notifications/{notification_id}/records",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id, "masked": masked},
            ),
            {200: models.NotificationRecordsResponse},
        )
        return result


class AsyncNotifications(AsyncTransport):
    """The operations on notifications, to await."""

    async def list_notifications(
        self,
        *,
        user_id: str | None = None,
        type: str | None = None,
        category: str | None = None,
        state: models.State | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        reason: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        since: float | None = None,
        until: float | None = None,
        before: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.NotificationPage:
        """List notifications. Newest first, without attempts. A page may have fewer items than `limit`, or none, and still be followed by another one."""
        result: models.NotificationPage = await self.call(
            Request(
                "GET",
                "/v1/notifications",
                query={
                    "user_id": user_id,
                    "type": type,
                    "category": category,
                    "state": state,
                    "priority": priority,
                    "reason": reason,
                    "channel": channel,
                    "since": since,
                    "until": until,
                    "before": before,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.NotificationPage},
        )
        return result

    async def iterate_notifications(
        self,
        *,
        user_id: str | None = None,
        type: str | None = None,
        category: str | None = None,
        state: models.State | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        reason: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        since: float | None = None,
        until: float | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.NotificationResponse]:
        """All items of `list_notifications`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_notifications(
                user_id=user_id,
                type=type,
                category=category,
                state=state,
                priority=priority,
                reason=reason,
                channel=channel,
                since=since,
                until=until,
                before=before,
                limit=limit,
                cursor=cursor,
            )
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def submit_notification(self, body: models.Submission, *, idempotency_key: str | None = None) -> models.SubmissionResponse:
        """Submit a notification. Responds with 202 after all in-sync replicas of the topic have confirmed the notification.

        Also takes CloudEvents 1.0 in structured, batched and binary content mode; a batch is answered as a bulk request is."""
        result: models.SubmissionResponse = await self.call(
            Request("POST", "/v1/notifications", headers={"Idempotency-Key": idempotency_key or make_key()}, body=encode_body(body)),
            {202: models.SubmissionResponse},
        )
        return result

    async def submit_notifications(self, body: models.BulkRequest, *, idempotency_key: str | None = None) -> models.BulkSubmissionResponse:
        """Submit up to 1,000 notifications. Accepts the valid notifications and reports the others: 202 if all are accepted, 207 if some are, 422 if none is valid."""
        result: models.BulkSubmissionResponse = await self.call(
            Request("POST", "/v1/notifications/bulk", headers={"Idempotency-Key": idempotency_key or make_key()}, body=encode_body(body)),
            {202: models.BulkSubmissionResponse, 207: models.BulkSubmissionResponse},
        )
        return result

    async def export_notifications(
        self,
        *,
        user_id: str | None = None,
        type: str | None = None,
        category: str | None = None,
        state: models.State | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        reason: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> str:
        """Export notifications as CSV. As the list is, newest first, streamed. A cell that a spreadsheet would take for a formula begins with an apostrophe. If others
        remain after 400 queries, the last line begins with `incomplete:` and says how to go on. If PostgreSQL fails in the middle, the
        connection is closed before the end."""
        result: str = await self.call(
            Request(
                "GET",
                "/v1/notifications/export",
                query={
                    "user_id": user_id,
                    "type": type,
                    "category": category,
                    "state": state,
                    "priority": priority,
                    "reason": reason,
                    "channel": channel,
                    "since": since,
                    "until": until,
                    "limit": limit,
                },
            ),
            {200: str},
        )
        return result

    async def preview_notification(self, body: models.Submission, *, at: float | None = None) -> models.NotificationPreviewResponse:
        """Preview a notification. What would become of this notification if it were submitted: the decision of each gate, and what would be sent. Nothing is.

        The router's own gates decide by the present rules, templates, profile, preferences and windows of its user. What submitting rejects is
        rejected with the same errors. Also needs `notifications:send` or `preferences:read`, because it shows what the user chose."""
        result: models.NotificationPreviewResponse = await self.call(
            Request("POST", "/v1/notifications/preview", query={"at": at}, body=encode_body(body)),
            {200: models.NotificationPreviewResponse},
        )
        return result

    async def get_notification(self, notification_id: str, *, user_id: str | None = None) -> models.NotificationResponse:
        """Get a notification. The state, the deliveries and every attempt. The state is `accepted` until the decision or an attempt is recorded."""
        result: models.NotificationResponse = await self.call(
            Request(
                "GET", "/v1/notifications/{notification_id}", path_values={"notification_id": notification_id}, query={"user_id": user_id}
            ),
            {200: models.NotificationResponse},
        )
        return result

    async def cancel_notification(
        self, notification_id: str, *, user_id: str | None = None
    ) -> models.NotificationResponse | models.HeldChangeResponse:
        """Cancel a held notification. The scheduler decides whether the notification is still held; the request waits for its answer for up to 3 s."""
        result: models.NotificationResponse | models.HeldChangeResponse = await self.call(
            Request(
                "DELETE",
                "/v1/notifications/{notification_id}",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id},
            ),
            {200: models.NotificationResponse, 202: models.HeldChangeResponse},
        )
        return result

    async def reschedule_notification(
        self, notification_id: str, body: models.NotificationChange, *, user_id: str | None = None
    ) -> models.NotificationResponse | models.HeldChangeResponse:
        """Move a held notification to another time. The scheduler decides whether the notification is still held. The gate that holds it judges again when it is released."""
        result: models.NotificationResponse | models.HeldChangeResponse = await self.call(
            Request(
                "PATCH",
                "/v1/notifications/{notification_id}",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id},
                body=encode_body(body),
            ),
            {200: models.NotificationResponse, 202: models.HeldChangeResponse},
        )
        return result

    async def explain_notification(self, notification_id: str, *, user_id: str | None = None) -> models.ExplanationResponse:
        """Explain a notification. Why the notification has its state: a sentence, each gate of the router, and each delivery with its attempts and later events."""
        result: models.ExplanationResponse = await self.call(
            Request(
                "GET",
                "/v1/notifications/{notification_id}/explain",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id},
            ),
            {200: models.ExplanationResponse},
        )
        return result

    async def mark_notification_as_read(
        self, notification_id: str, *, user_id: str | None = None, idempotency_key: str | None = None
    ) -> models.NotificationResponse:
        """Mark a notification as read. The user has read it, on whichever channel: no further channel follows if its rule escalates unless `read`. May be repeated."""
        result: models.NotificationResponse = await self.call(
            Request(
                "POST",
                "/v1/notifications/{notification_id}/read",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
            ),
            {200: models.NotificationResponse},
        )
        return result

    async def list_notification_records(
        self, notification_id: str, *, user_id: str | None = None, masked: bool | None = None
    ) -> models.NotificationRecordsResponse:
        """List the records of a notification. Topic, partition and offset of each record that Kafka still has of it, and what its deliveries said, by its newest record.

        Contents and addresses are masked unless the caller has `users:unmask`; then the audit log says that they were read."""
        result: models.NotificationRecordsResponse = await self.call(
            Request(
                "GET",
                "/v1/notifications/{notification_id}/records",
                path_values={"notification_id": notification_id},
                query={"user_id": user_id, "masked": masked},
            ),
            {200: models.NotificationRecordsResponse},
        )
        return result
