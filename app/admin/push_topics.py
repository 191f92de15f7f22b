"""Subscribes devices to topics of FCM, with Firebase's own client: a rare call that may block."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agents.providers.service_account import TokenError, load_credentials
from schemas.errors import SettingError, UnavailableError

MAX_DEVICES: Final = 1000  # of one call, as firebase-admin documents it
TIMEOUT: Final = 10.0  # seconds for one request
FCM_URL: Final = "https://fcm.googleapis.com"


def change_subscriptions(fcm: Mapping[str, str], registrations: Sequence[str], topic: str, subscribe: bool) -> list[str]:
    """Subscribe devices to a topic, or unsubscribe them; returns for each what is wrong, empty if nothing is.

    `fcm` is the section providers.fcm. Raises SettingError for a service account that cannot be used, and UnavailableError.
    """
    import firebase_admin  # here, as the import takes 0.5 s
    from firebase_admin import exceptions, messaging

    app = firebase_admin.initialize_app(
        _load_certificate(fcm["service_account_file"]), {"projectId": fcm["project_id"], "httpTimeout": TIMEOUT}, name="herold-topics"
    )
    try:
        _use_url(messaging, app, fcm)
        change = messaging.subscribe_to_topic if subscribe else messaging.unsubscribe_from_topic
        response = change(list(registrations), topic, app)
    except exceptions.FirebaseError as error:
        raise UnavailableError(f"FCM did not answer: {error.code}") from error
    finally:
        firebase_admin.delete_app(app)
    problems = {error.index: str(error.reason) for error in response.errors}
    return [problems.get(index, "") for index in range(len(registrations))]


def _load_certificate(file: str) -> Any:
    from firebase_admin.credentials import Certificate

    try:
        load_credentials(file)
    except TokenError as error:
        raise SettingError("providers.fcm.service_account_file", str(error)) from None
    return Certificate(file)


def _use_url(messaging: Any, app: Any, fcm: Mapping[str, str]) -> None:
    """Send to the URL of the settings, such as the simulators': the client has no option for that."""
    url = fcm["url"].rstrip("/")
    if url != FCM_URL:
        messaging._get_messaging_service(app)._fcm_topic_url = f"{url}/v1/projects/{fcm['project_id']}/registrations"
