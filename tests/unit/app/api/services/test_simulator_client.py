"""The client of the simulators, with an HTTP server in their place."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.api.services.simulator_client import RejectedError, SimulatorClient
from schemas.errors import DescribedUnavailableError


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (400, {"error": "no such provider"}, RejectedError, "no such provider"),
        (404, {}, RejectedError, "answered with 404"),
        (500, {"error": "Traceback"}, DescribedUnavailableError, "answered with 500: their log says why"),
        (302, {}, DescribedUnavailableError, "answered with 302"),
        (200, {}, DescribedUnavailableError, "check gateway.simulators_url"),
    ],
)
async def test_a_failure_of_the_simulators_is_not_one_of_the_request(
    status: int, body: dict[str, str], error: type[Exception], text: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/faults", answer)
    async with TestServer(app) as server:
        with pytest.raises(error, match=text):
            await SimulatorClient(str(server.make_url(""))).list_faults()
