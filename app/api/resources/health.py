"""Liveness, readiness and metrics of the gateway."""

from litestar import MediaType, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from app.api.access import PUBLIC, requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.responses import LivenessResponse, ReadinessResponse
from schemas.permissions import Permission


@get("/healthz", opt=PUBLIC, summary="Liveness", operation_id="get_liveness")
async def get_liveness() -> LivenessResponse:
    """200 while the process answers."""
    return LivenessResponse()


@get(
    "/readyz",
    opt=PUBLIC,
    summary="Readiness",
    operation_id="get_readiness",
    responses={503: ResponseSpec(ReadinessResponse, description="notifications cannot be accepted")},
)
async def get_readiness(request: ApiRequest) -> Response[ReadinessResponse]:
    """200 if notifications can be accepted, else 503. The status is `degraded` if history, Redis or the pipeline fails its probe."""
    readiness = await get_dependencies(request).readiness.check()
    return Response(readiness, status_code=503 if readiness.status == "unready" else 200)


@get(
    "/metrics",
    opt=requires(Permission.METRICS_READ),
    media_type=MediaType.TEXT,
    summary="Metrics in Prometheus' text format",
    operation_id="get_metrics",
)
async def get_metrics(request: ApiRequest) -> Response[bytes]:
    """Counters and histograms of this process."""
    metrics = get_dependencies(request).metrics.encode_metrics()
    return Response(metrics, media_type="text/plain; version=0.0.4")


router = Router("/", route_handlers=[get_liveness, get_readiness, get_metrics], tags=["operations"])
