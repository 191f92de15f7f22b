"""The resource /v1/analytics: counts of the history for charts and reports (docs/guide/analytics.md)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from litestar import Response, Router, get
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from app.api.access import requires
from app.api.analytics_bodies import Cohort, CohortResponse, FunnelResponse, FunnelStep, LatencyResponse, SeriesResponse
from app.api.csv_text import CSV_MEDIA_TYPE, encode_csv
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import INVALID, READING_RUNS, STORE_UNAVAILABLE, UNAUTHORIZED
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_validation_problem
from app.api.resources.deliveries import MAX_TIME
from app.api.services.analytics import Period, choose_period
from schemas.analytics import METRICS, CountFilter, Group, LatencyGroup, Metric, Series, build_latency_series, limit_series
from schemas.channels import ChannelName
from schemas.enums import Priority
from schemas.history_counts import Step
from schemas.lifetimes import DAY
from schemas.permissions import Permission
from schemas.projects import strip_project

WEEK: Final = 7 * DAY
MONDAY: Final = 4 * DAY  # 1970-01-05

MetricParameter = Annotated[Metric, QueryParameter(description="what is counted, by the time of submission")]
GroupParameter = Annotated[Group, QueryParameter(description="one series for each value of this; the 20 greatest, the others as `*`")]
LatencyGroupParameter = Annotated[LatencyGroup, QueryParameter(description="one series for each value of this")]
FromParameter = Annotated[float | None, QueryParameter(name="from", description="epoch seconds; else a day before `to`", ge=0, le=MAX_TIME)]
ToParameter = Annotated[float | None, QueryParameter(name="to", description="epoch seconds; else now", ge=0, le=MAX_TIME)]
StepParameter = Annotated[Step | None, QueryParameter(description="seconds of a step; else one that fits to the time")]
ChannelParameter = Annotated[ChannelName | None, QueryParameter(description="only deliveries on this channel")]
CategoryParameter = Annotated[str | None, QueryParameter(description="only those of this category", max_length=128)]
TypeParameter = Annotated[str | None, QueryParameter(name="type", description="only those of this type", max_length=128)]
PriorityParameter = Annotated[Priority | None, QueryParameter(description="only those of this priority")]
TemplateParameter = Annotated[str | None, QueryParameter(description="only deliveries with this template", max_length=128)]
FilterTexts = tuple[str | None, ...]
"""Channel, category, type, priority and template."""
ERRORS: Final = {**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE}
FUNNEL: Final = (
    ("accepted", "notification", None),
    ("routed", "notification", ("routed",)),
    ("deliveries", "delivery", None),
    ("sent", "delivery", METRICS["sent"].names),
    ("delivered", "delivery", METRICS["delivered"].names),
    ("opened", "engagement", ("opened",)),
    ("clicked", "engagement", ("clicked",)),
)


@get(
    "/series",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses=ERRORS,
    summary="Count notifications and deliveries by time",
    operation_id="get_analytics_series",
)
async def get_series(
    request: ApiRequest,
    texts: NamedDependency[FilterTexts],
    metric: MetricParameter = "accepted",
    group_by: GroupParameter = "none",
    since: FromParameter = None,
    until: ToParameter = None,
    step: StepParameter = None,
) -> SeriesResponse:
    """Counts of what was submitted in each step, as it is now: a delivery counts as what its status is. Tests do not count.

    The counts change with the history, in one transaction. A step without any is left out.
    """
    now, period = _choose_period(request, since, until, step)
    wanted = _build_filter(request, period, texts)
    _check_group(metric, group_by, wanted)
    series = limit_series(await get_dependencies(request).analytics.counts.read_series(metric, group_by, period.step, wanted))
    return SeriesResponse(metric, group_by, period.since, period.until, period.step, now, series)


@get(
    "/series/export",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses={
        **ERRORS,
        **READING_RUNS,
        200: ResponseSpec(str, description="CSV with a header line", media_type=CSV_MEDIA_TYPE, generate_examples=False),
    },
    media_type=CSV_MEDIA_TYPE,
    summary="Export counts as CSV",
    operation_id="export_analytics_series",
)
async def export_series(
    request: ApiRequest,
    texts: NamedDependency[FilterTexts],
    metric: MetricParameter = "accepted",
    group_by: GroupParameter = "none",
    since: FromParameter = None,
    until: ToParameter = None,
    step: StepParameter = None,
) -> Response[bytes]:
    """A line for each step and each value of the group, of which there may be any number. A cell that a spreadsheet would take for a
    formula begins with an apostrophe.
    """
    _, period = _choose_period(request, since, until, step)
    wanted = _build_filter(request, period, texts)
    _check_group(metric, group_by, wanted)
    analytics = get_dependencies(request).analytics
    async with analytics.readings.admit():
        series = await analytics.exports.read_series(metric, group_by, period.step, wanted)
    document = encode_csv(("at", group_by, metric), list_series_rows(series, get_principal(request).project))
    headers = {"content-disposition": f'attachment; filename="{metric}.csv"'}
    return Response(document, media_type=CSV_MEDIA_TYPE, headers=headers)


@get(
    "/latency",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses=ERRORS,
    summary="Read hand-over times",
    operation_id="get_analytics_latency",
)
async def get_latency(
    request: ApiRequest,
    texts: NamedDependency[FilterTexts],
    group_by: LatencyGroupParameter = "priority",
    since: FromParameter = None,
    until: ToParameter = None,
    step: StepParameter = None,
) -> LatencyResponse:
    """Seconds from submission, or the release of what was held, until a provider accepted the call. How many were within 1, 5 and 30 s is
    exact; percentiles are linear within the bounds of a histogram. Redrives do not count.
    """
    now, period = _choose_period(request, since, until, step)
    wanted = _build_filter(request, period, texts)
    rows = await get_dependencies(request).analytics.counts.read_handovers(group_by, period.step, wanted)
    return LatencyResponse(group_by, period.since, period.until, period.step, now, build_latency_series(rows))


@get(
    "/funnel",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses=ERRORS,
    summary="Read what became of notifications",
    operation_id="get_analytics_funnel",
)
async def get_funnel(
    request: ApiRequest,
    texts: NamedDependency[FilterTexts],
    since: FromParameter = None,
    until: ToParameter = None,
) -> FunnelResponse:
    """The steps from submission to a click. A channel and a template are of deliveries only: notifications count whatever they had."""
    now, period = _choose_period(request, since, until, None)
    wanted = _build_filter(request, period, texts)
    rows = await get_dependencies(request).analytics.counts.read_names(DAY, wanted)
    return FunnelResponse(period.since, period.until, now, build_funnel([(kind, name, count) for _, kind, name, count in rows]))


@get(
    "/cohorts",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses=ERRORS,
    summary="Read engagement by day or week of submission",
    operation_id="get_analytics_cohorts",
)
async def get_cohorts(
    request: ApiRequest,
    texts: NamedDependency[FilterTexts],
    since: FromParameter = None,
    until: ToParameter = None,
    by: Annotated[Literal["day", "week"], QueryParameter(description="how long a cohort is; a week begins on Monday (UTC)")] = "day",
) -> CohortResponse:
    """What became of the notifications of each day or week until now: engagement that comes later counts for the day of submission."""
    now, period = _choose_period(request, since, until, 86400)
    if by == "week":
        period = period._replace(since=find_week(period.since), until=find_week(period.until - 1) + WEEK)
    wanted = _build_filter(request, period, texts)
    rows = await get_dependencies(request).analytics.counts.read_names(DAY, wanted)
    step = WEEK if by == "week" else DAY
    return CohortResponse(period.since, period.until, step, now, build_cohorts(rows, is_weekly=by == "week"))


def list_series_rows(series: Iterable[Series], project: str) -> list[list[str]]:
    """The cells of all points, in the order of time and keys; ids are without the prefix of the project."""
    points = sorted((at, one.key, value) for one in series for at, value in one.points)
    return [[datetime.fromtimestamp(at, UTC).isoformat(), strip_project(project, key), f"{value:g}"] for at, key, value in points]


def build_funnel(rows: Sequence[tuple[str, str, int]]) -> list[FunnelStep]:
    """The steps of the funnel from counts of kinds and names."""
    return [
        FunnelStep(
            step,
            "notifications" if kind == "notification" else "deliveries",
            sum(count for of, name, count in rows if of == kind and (names is None or name in names)),
        )
        for step, kind, names in FUNNEL
    ]


def build_cohorts(rows: Iterable[tuple[int, str, str, int]], *, is_weekly: bool) -> list[Cohort]:
    """The cohorts of days, or of weeks, from counts of kinds and names by day."""
    grouped: defaultdict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for at, kind, name, count in rows:
        grouped[find_week(at) if is_weekly else at].append((kind, name, count))
    return [_build_cohort(at, grouped[at]) for at in sorted(grouped)]


def _build_cohort(at: int, rows: Sequence[tuple[str, str, int]]) -> Cohort:
    counts = {step.name: step.count for step in build_funnel(rows)}
    of_status = {name: count for kind, name, count in rows if kind == "delivery"}
    failed, bounced, unsubscribed = (of_status.get(name, 0) for name in ("FAILED", "BOUNCED", "UNSUBSCRIBED"))
    return Cohort(
        at,
        counts["accepted"],
        counts["deliveries"],
        counts["sent"],
        counts["delivered"],
        failed,
        bounced,
        unsubscribed,
        counts["opened"],
        counts["clicked"],
    )


def find_week(at: int) -> int:
    """The beginning of the week (Monday, UTC) of a time, in epoch seconds."""
    return (at - MONDAY) // WEEK * WEEK + MONDAY


def _choose_period(request: ApiRequest, since: float | None, until: float | None, step: Step | None) -> tuple[float, Period]:
    dependencies = get_dependencies(request)
    now = dependencies.clock()
    return now, choose_period(since, until, step, now, dependencies.analytics.settings)


def read_texts(
    channel: ChannelParameter = None,
    category: CategoryParameter = None,
    notification_type: TypeParameter = None,
    priority: PriorityParameter = None,
    template: TemplateParameter = None,
) -> FilterTexts:
    """The filter parameters of all routes; PostgreSQL's text cannot contain NUL, so that nothing has one."""
    texts = channel, category, notification_type, priority, template
    return tuple(text if text is None else text.replace("\0", "\ufffd") for text in texts)


def _build_filter(request: ApiRequest, period: Period, texts: FilterTexts) -> CountFilter:
    return CountFilter(period.since, period.until, get_principal(request).project or None, *texts)


def _check_group(metric: Metric, group_by: Group, wanted: CountFilter) -> None:
    groups = METRICS[metric].groups
    if group_by not in groups:
        detail = f"{metric} is not counted by {group_by}; it is by {', '.join(sorted(groups - {'none'}))}"
        raise ProblemError(build_validation_problem([build_field_error("$.group_by", detail)]))
    for name in ("channel", "template"):
        if getattr(wanted, name) is not None and name not in groups:
            detail = f"{metric} counts notifications, which have no {name}: leave it out, or use the metric deliveries"
            raise ProblemError(build_validation_problem([build_field_error(f"$.{name}", detail)]))


router = Router(
    "/v1/analytics",
    route_handlers=[get_series, export_series, get_latency, get_funnel, get_cohorts],
    dependencies={"texts": Provide(read_texts, sync_to_thread=False)},
    tags=["analytics"],
)
