"""Health, readiness and metrics of the gateway."""

from litestar import MediaType, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from app.api.dependencies import ApiRequest, get_dependencies
from app.api.responses import LivenessResponse, ReadinessResponse


@get("/healthz", summary="Alive", operation_id="get_liveness", security=[{}])
async def get_liveness() -> LivenessResponse:
    """The process answers."""
    return LivenessResponse()


@get(
    "/readyz",
    summary="Ready",
    operation_id="get_readiness",
    security=[{}],
    responses={503: ResponseSpec(ReadinessResponse, description="a notification posted now would not be accepted")},
)
async def get_readiness(request: ApiRequest) -> Response[ReadinessResponse]:
    """200 as long as a notification posted now would be accepted, else 503; what else is slow or away is told as `degraded`."""
    readiness = get_dependencies(request).readiness.get_readiness()
    return Response(readiness, status_code=503 if readiness.status == "unready" else 200)


@get("/metrics", media_type=MediaType.TEXT, summary="Metrics in Prometheus' text format", operation_id="get_metrics")
async def get_metrics(request: ApiRequest) -> Response[bytes]:
    """Counters and durations of this process."""
    page = get_dependencies(request).metrics.encode_metrics()
    return Response(page, media_type="text/plain; version=0.0.4")


router = Router("/", route_handlers=[get_liveness, get_readiness, get_metrics], tags=["operations"])
