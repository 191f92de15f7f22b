"""The client of Herold's HTTP API.

    from herold_client import Herold, models

    with Herold("http://127.0.0.1:8080", api_key=key) as herold:
        accepted = herold.submit_notification(models.Submission(user_id="u-42", type="order.shipped", data={"order": 17}))

`AsyncHerold` has the same methods to await. A failure is an exception: ProblemError has the problem document of the API.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from herold_client import models as models
    from herold_client.client import AsyncHerold as AsyncHerold
    from herold_client.client import Herold as Herold
    from herold_client.errors import HeroldError as HeroldError
    from herold_client.errors import NotJsonError as NotJsonError
    from herold_client.errors import ProblemError as ProblemError
    from herold_client.errors import UnreachableError as UnreachableError
    from herold_client.retries import RetryPolicy as RetryPolicy

_PLACES = {
    "AsyncHerold": "client",
    "Herold": "client",
    "HeroldError": "errors",
    "NotJsonError": "errors",
    "ProblemError": "errors",
    "RetryPolicy": "retries",
    "UnreachableError": "errors",
}
__all__ = ["AsyncHerold", "Herold", "HeroldError", "NotJsonError", "ProblemError", "RetryPolicy", "UnreachableError", "models"]


def __getattr__(name: str) -> Any:
    """Import a part of the client when it is first used: the models and operations take time."""
    if name in _PLACES:
        return getattr(import_module(f"herold_client.{_PLACES[name]}"), name)
    if name == "models":
        return import_module("herold_client.models")
    raise AttributeError(name)
