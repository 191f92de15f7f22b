"""The operations on analytics. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from typing import Literal

from herold_client import models
from herold_client.requests import Request
from herold_client.transport import AsyncTransport, Transport


class Analytics(Transport):
    """The operations on analytics."""

    def get_analytics_cohorts(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        from_: float | None = None,
        to: float | None = None,
        by: Literal["day", "week"] | None = None,
    ) -> models.CohortResponse:
        """Read engagement by day or week of submission. What became of the notifications of each day or week until now: engagement that comes later counts for the day of submission."""
        result: models.CohortResponse = self.call(
            Request(
                "GET",
                "/v1/analytics/cohorts",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "from": from_,
                    "to": to,
                    "by": by,
                },
            ),
            {200: models.CohortResponse},
        )
        return result

    def get_analytics_funnel(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        from_: float | None = None,
        to: float | None = None,
    ) -> models.FunnelResponse:
        """Read what became of notifications. The steps from submission to a click. A channel and a template are of deliveries only: notifications count whatever they had."""
        result: models.FunnelResponse = self.call(
            Request(
                "GET",
                "/v1/analytics/funnel",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "from": from_,
                    "to": to,
                },
            ),
            {200: models.FunnelResponse},
        )
        return result

    def get_analytics_latency(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        group_by: Literal["none", "priority", "channel"] | None = None,
        from_: float | None = None,
        to: float | None = None,
        step: Literal[60, 3600, 86400] | None = None,
    ) -> models.LatencyResponse:
        """Read hand-over times. Seconds from submission, or the release of what was held, until a provider accepted the call. How many were within 1, 5 and 30 s is
        exact; percentiles are linear within the bounds of a histogram. Redrives do not count."""
        result: models.LatencyResponse = self.call(
            Request(
                "GET",
                "/v1/analytics/latency",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "group_by": group_by,
                    "from": from_,
                    "to": to,
                    "step": step,
                },
            ),
            {200: models.LatencyResponse},
        )
        return result

    def get_analytics_series(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        metric: Literal["accepted", "decided", "deliveries", "sent", "delivered", "failed", "bounced", "opened", "clicked", "cost"]
        | None = None,
        group_by: Literal["none", "channel", "category", "type", "template", "priority", "provider", "status", "state", "reason"]
        | None = None,
        from_: float | None = None,
        to: float | None = None,
        step: Literal[60, 3600, 86400] | None = None,
    ) -> models.SeriesResponse:
        """Count notifications and deliveries by time. Counts of what was submitted in each step, as it is now: a delivery counts as what its status is. Tests do not count.

        The counts change with the history, in one transaction. A step without any is left out."""
        result: models.SeriesResponse = self.call(
            Request(
                "GET",
                "/v1/analytics/series",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "metric": metric,
                    "group_by": group_by,
                    "from": from_,
                    "to": to,
                    "step": step,
                },
            ),
            {200: models.SeriesResponse},
        )
        return result

    def export_analytics_series(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        metric: Literal["accepted", "decided", "deliveries", "sent", "delivered", "failed", "bounced", "opened", "clicked", "cost"]
        | None = None,
        group_by: Literal["none", "channel", "category", "type", "template", "priority", "provider", "status", "state", "reason"]
        | None = None,
        from_: float | None = None,
        to: float | None = None,
        step: Literal[60, 3600, 86400] | None = None,
    ) -> str:
        """Export counts as CSV. A line for each step and each value of the group, of which there may be any number. A cell that a spreadsheet would take for a
        formula begins with an apostrophe."""
        result: str = self.call(
            Request(
                "GET",
                "/v1/analytics/series/export",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "metric": metric,
                    "group_by": group_by,
                    "from": from_,
                    "to": to,
                    "step": step,
                },
            ),
            {200: str},
        )
        return result

    def get_ledger(self, *, from_: float | None = None, to: float | None = None) -> models.LedgerResponse:
        """Count what is final and what is in flight. Of the notifications with ids of a time, and of their deliveries: accepted = final + in flight. It is counted from the rows of the
        history, not from counts that are kept. Unaccounted is what is in flight an hour after it had to end, and a delivery that no
        notification names; `imbalance` counts it. What is accepted and not decided yet is not in the history."""
        result: models.LedgerResponse = self.call(
            Request("GET", "/v1/ledger", query={"from": from_, "to": to}), {200: models.LedgerResponse}
        )
        return result

    def get_objectives(self) -> models.ObjectivesResponse:
        """Read how the objectives of hand-over are kept. Of each priority the share of hand-overs within 1, 5 or 30 s from submission, or from the release of what was held, in the window of
        the objective and in shorter ones. Redrives and tests do not count."""
        result: models.ObjectivesResponse = self.call(Request("GET", "/v1/slo"), {200: models.ObjectivesResponse})
        return result


class AsyncAnalytics(AsyncTransport):
    """The operations on analytics, to await."""

    async def get_analytics_cohorts(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        from_: float | None = None,
        to: float | None = None,
        by: Literal["day", "week"] | None = None,
    ) -> models.CohortResponse:
        """Read engagement by day or week of submission. What became of the notifications of each day or week until now: engagement that comes later counts for the day of submission."""
        result: models.CohortResponse = await self.call(
            Request(
                "GET",
                "/v1/analytics/cohorts",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "from": from_,
                    "to": to,
                    "by": by,
                },
            ),
            {200: models.CohortResponse},
        )
        return result

    async def get_analytics_funnel(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        from_: float | None = None,
        to: float | None = None,
    ) -> models.FunnelResponse:
        """Read what became of notifications. The steps from submission to a click. A channel and a template are of deliveries only: notifications count whatever they had."""
        result: models.FunnelResponse = await self.call(
            Request(
                "GET",
                "/v1/analytics/funnel",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "from": from_,
                    "to": to,
                },
            ),
            {200: models.FunnelResponse},
        )
        return result

    async def get_analytics_latency(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        group_by: Literal["none", "priority", "channel"] | None = None,
        from_: float | None = None,
        to: float | None = None,
        step: Literal[60, 3600, 86400] | None = None,
    ) -> models.LatencyResponse:
        """Read hand-over times. Seconds from submission, or the release of what was held, until a provider accepted the call. How many were within 1, 5 and 30 s is
        exact; percentiles are linear within the bounds of a histogram. Redrives do not count."""
        result: models.LatencyResponse = await self.call(
            Request(
                "GET",
                "/v1/analytics/latency",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "group_by": group_by,
                    "from": from_,
                    "to": to,
                    "step": step,
                },
            ),
            {200: models.LatencyResponse},
        )
        return result

    async def get_analytics_series(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        metric: Literal["accepted", "decided", "deliveries", "sent", "delivered", "failed", "bounced", "opened", "clicked", "cost"]
        | None = None,
        group_by: Literal["none", "channel", "category", "type", "template", "priority", "provider", "status", "state", "reason"]
        | None = None,
        from_: float | None = None,
        to: float | None = None,
        step: Literal[60, 3600, 86400] | None = None,
    ) -> models.SeriesResponse:
        """Count notifications and deliveries by time. Counts of what was submitted in each step, as it is now: a delivery counts as what its status is. Tests do not count.

        The counts change with the history, in one transaction. A step without any is left out."""
        result: models.SeriesResponse = await self.call(
            Request(
                "GET",
                "/v1/analytics/series",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "metric": metric,
                    "group_by": group_by,
                    "from": from_,
                    "to": to,
                    "step": step,
                },
            ),
            {200: models.SeriesResponse},
        )
        return result

    async def export_analytics_series(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        category: str | None = None,
        type: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        template: str | None = None,
        metric: Literal["accepted", "decided", "deliveries", "sent", "delivered", "failed", "bounced", "opened", "clicked", "cost"]
        | None = None,
        group_by: Literal["none", "channel", "category", "type", "template", "priority", "provider", "status", "state", "reason"]
        | None = None,
        from_: float | None = None,
        to: float | None = None,
        step: Literal[60, 3600, 86400] | None = None,
    ) -> str:
        """Export counts as CSV. A line for each step and each value of the group, of which there may be any number. A cell that a spreadsheet would take for a
        formula begins with an apostrophe."""
        result: str = await self.call(
            Request(
                "GET",
                "/v1/analytics/series/export",
                query={
                    "channel": channel,
                    "category": category,
                    "type": type,
                    "priority": priority,
                    "template": template,
                    "metric": metric,
                    "group_by": group_by,
                    "from": from_,
                    "to": to,
                    "step": step,
                },
            ),
            {200: str},
        )
        return result

    async def get_ledger(self, *, from_: float | None = None, to: float | None = None) -> models.LedgerResponse:
        """Count what is final and what is in flight. Of the notifications with ids of a time, and of their deliveries: accepted = final + in flight. It is counted from the rows of the
        history, not from counts that are kept. Unaccounted is what is in flight an hour after it had to end, and a delivery that no
        notification names; `imbalance` counts it. What is accepted and not decided yet is not in the history."""
        result: models.LedgerResponse = await self.call(
            Request("GET", "/v1/ledger", query={"from": from_, "to": to}), {200: models.LedgerResponse}
        )
        return result

    async def get_objectives(self) -> models.ObjectivesResponse:
        """Read how the objectives of hand-over are kept. Of each priority the share of hand-overs within 1, 5 or 30 s from submission, or from the release of what was held, in the window of
        the objective and in shorter ones. Redrives and tests do not count."""
        result: models.ObjectivesResponse = await self.call(Request("GET", "/v1/slo"), {200: models.ObjectivesResponse})
        return result
