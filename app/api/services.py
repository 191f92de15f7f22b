"""What the handlers of the gateway work with, put together once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from litestar import Request

from app.api.intake import Intake
from app.api.ports import History, Recent
from app.api.readiness import Readings
from app.telemetry import Metrics
from schemas.ports import Clock
from schemas.words import Channel

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True)
class Services:
    """Ports and values of one gateway; `receipts` in seconds per channel."""

    intake: Intake
    history: History
    recent: Recent
    readings: Readings
    metrics: Metrics
    clock: Clock
    receipts: Mapping[Channel, int]


def services_of(request: AnyRequest) -> Services:
    """What the app that has this request was built with."""
    return cast(Services, request.app.state.services)
