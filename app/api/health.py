"""Health, readiness and metrics of the gateway."""

from litestar import MediaType, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from app.api.bodies import Health, Readiness
from app.api.services import AnyRequest, services_of


@get("/healthz", summary="Alive", operation_id="health", security=[{}])
async def healthz() -> Health:
    """The process answers."""
    return Health()


@get(
    "/readyz",
    summary="Ready",
    operation_id="ready",
    security=[{}],
    responses={503: ResponseSpec(Readiness, description="a notification posted now would not be accepted")},
)
async def readyz(request: AnyRequest) -> Response[Readiness]:
    """200 as long as a notification posted now would be accepted, else 503; what else is slow or away is told as `degraded`."""
    readiness = services_of(request).readings.now()
    return Response(readiness, status_code=503 if readiness.status == "unready" else 200)


@get("/metrics", media_type=MediaType.TEXT, summary="Metrics in Prometheus' text format", operation_id="metrics")
async def metrics(request: AnyRequest) -> Response[bytes]:
    """Counters and durations of this process."""
    page = services_of(request).metrics.page()
    return Response(page, media_type="text/plain; version=0.0.4")


router = Router("/", route_handlers=[healthz, readyz, metrics], tags=["operation"])
