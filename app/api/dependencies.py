"""What the handlers of the gateway work with, put together once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from litestar import Request

from app.api.ports import HistoryReader, RecentNotifications
from app.api.services.readiness import ReadinessMonitor
from app.api.services.submission_service import SubmissionService
from app.telemetry import Metrics
from schemas.enums import Channel
from schemas.ports import Clock

ApiRequest = Request[Any, Any, Any]


@dataclass(frozen=True)
class Dependencies:
    """Ports and values of one gateway; `receipt_timeouts` in seconds per channel."""

    submission_service: SubmissionService
    history: HistoryReader
    recent_notifications: RecentNotifications
    readiness: ReadinessMonitor
    metrics: Metrics
    clock: Clock
    receipt_timeouts: Mapping[Channel, int]


def get_dependencies(request: ApiRequest) -> Dependencies:
    """What the app that has this request was built with."""
    return cast(Dependencies, request.app.state.dependencies)
