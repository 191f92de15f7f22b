"""One ASGI app: resources, problem documents, and the door around them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from app.api import health, notifications
from app.api.docs import add_pages
from app.api.doorman import Asgi, Doorman
from app.api.errors import on_http, on_problem, on_surprise
from app.api.openapi import config
from app.api.problems import ProblemFound
from app.api.services import Services
from schemas.ports import Clock

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def assembled(services: Services, api_key: str, body_limit: int, clock: Clock, lifespan: Sequence[Lifespan] = ()) -> Asgi:
    """The app around these services; `body_limit` in bytes, `clock` monotonic."""
    app = Litestar(
        [notifications.router, health.router],
        exception_handlers={ProblemFound: on_problem, HTTPException: on_http, Exception: on_surprise},
        openapi_config=config(),
        logging_config=None,
        request_max_body_size=body_limit,
        lifespan=list(lifespan),
        state=State({"services": services}),
    )
    add_pages(app)
    return Doorman(app, api_key, body_limit, services.metrics, clock)
