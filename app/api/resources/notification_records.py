"""The resource /v1/notifications/{id}/records: where its records are in Kafka, and what its deliveries said."""

from litestar import Response, Router, get

from app.api.access import requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.exception_handlers import STORE_RETRY_AFTER, handle_problem
from app.api.explanation import list_templates
from app.api.masking import MaskedParameter, show
from app.api.middleware import add_log_fields
from app.api.openapi import describe_problem
from app.api.problems import ProblemError, build_problem
from app.api.record_bodies import NotificationRecordsResponse, mask_content, present_record
from app.api.resources.notifications import LOOKUP_ERRORS, NotificationIdParameter, UserIdParameter, find_notification
from schemas.errors import RecordedNotificationsUnavailableError
from schemas.permissions import Permission

RECORDS_UNAVAILABLE = "Kafka does not give the records of the notification"
RESOURCE = "contents of a notification"
RECORD_ERRORS = {
    **LOOKUP_ERRORS,
    429: describe_problem("others search the records of notifications in this process of the gateway"),
    503: describe_problem("Kafka or PostgreSQL does not answer"),
}


@get(
    "/{notification_id:str}/records",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses=RECORD_ERRORS,
    summary="List the records of a notification",
    operation_id="list_notification_records",
)
async def list_notification_records(
    request: ApiRequest, notification_id: NotificationIdParameter, user_id: UserIdParameter = None, masked: MaskedParameter = False
) -> NotificationRecordsResponse:
    """Topic, partition and offset of each record that Kafka still has of it, and what its deliveries said, by its newest record.

    Contents and addresses are masked unless the caller has `users:unmask`; then the audit log says that they were read.
    """
    event, notification = await find_notification(request, notification_id, user_id)
    service = get_dependencies(request).notification_records
    found = await service.find(notification)
    templates = list_templates(event.decision_log if event else ())
    contents = await service.read_contents(found.records, notification.user_id, templates)
    if contents:
        contents = await show(request, contents, mask_content, RESOURCE, lambda _: notification.user_id, masked=masked)
    return NotificationRecordsResponse(
        [present_record(one, service.topic_prefix) for one in found.records], contents, is_complete=found.is_complete
    )


def _handle_missing_records(request: ApiRequest, error: RecordedNotificationsUnavailableError) -> Response[bytes]:
    add_log_fields(request.scope, cause=str(error))
    return handle_problem(request, ProblemError(build_problem("unavailable", RECORDS_UNAVAILABLE, retry_after=STORE_RETRY_AFTER)))


router = Router(
    "/v1/notifications",
    route_handlers=[list_notification_records],
    exception_handlers={RecordedNotificationsUnavailableError: _handle_missing_records},
    tags=["notifications"],
)
