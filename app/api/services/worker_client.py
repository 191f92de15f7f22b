"""The client of the workers' web views: asks any running worker of a role, which forwards to the worker of the user's partition."""

import ssl
from typing import TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from app.api.ports import WorkerAddresses
from schemas.errors import DECODE_ERRORS, UnavailableError
from schemas.user_rows import RemovedRows, UserRows

T = TypeVar("T")

REQUEST_TIMEOUT = ClientTimeout(total=10, connect=2)  # longer than a worker waits for another one


class WorkerClient:
    """Reads and removes rows of a user. Each method raises UnavailableError, which says which worker does not answer and why."""

    def __init__(self, addresses: WorkerAddresses, token: str, tls: ssl.SSLContext | bool = True) -> None:
        """`token`: that of the web views, the setting worker.web_token. `tls`: what workers with HTTPS are verified with."""
        self._addresses, self._token, self._tls = addresses, token, tls
        self._session: ClientSession | None = None

    async def get_user_rows(self, role: str, user_id: str) -> UserRows:
        """The rows of a user in the tables of a role."""
        return await self._request(role, "GET", f"/users/{quote(user_id, safe='')}/rows", UserRows)

    async def remove_rows(self, role: str, user_id: str, table: str, name: str) -> RemovedRows:
        """Remove the rows of a user whose keys begin with a name from a table; all of them for an empty name."""
        path = "/".join(["", "users", quote(user_id, safe=""), "rows", table, *([quote(name, safe="")] if name else [])])
        return await self._request(role, "DELETE", path, RemovedRows)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _request(self, role: str, method: str, path: str, result_type: type[T]) -> T:
        if not self._token:
            raise UnavailableError("the gateway has no token for the workers: set HEROLD_WORKER_WEB_TOKEN to that of the workers")
        try:
            urls = await self._addresses.list_urls(role)
        except UnavailableError as error:
            raise UnavailableError(f"the workers are registered in Redis: {error}") from None
        problems = [f"no worker of the role {role} has registered: check that one runs, with a worker.web_port"] if not urls else []
        for url in urls:
            try:
                return msgspec.json.decode(await self._fetch(method, url + path), type=result_type)
            except (OSError, TimeoutError, ClientError) as error:
                problems.append(f"the worker at {url} does not answer: {type(error).__name__}")
            except (UnavailableError, *DECODE_ERRORS) as error:
                problems.append(f"the worker at {url}: {error}")
        raise UnavailableError("; ".join(problems))

    async def _fetch(self, method: str, url: str) -> bytes:
        if self._session is None:
            self._session = ClientSession(timeout=REQUEST_TIMEOUT, headers={"authorization": f"Bearer {self._token}"})
        async with self._session.request(method, url, allow_redirects=False, ssl=self._tls) as response:
            body = await response.read()
            if response.status == 200:
                return body
            if response.status == 401:
                raise UnavailableError("it rejects the token: the gateway and the workers need the same worker.web_token")
            raise UnavailableError(_read_detail(body) or f"it responded with {response.status}")


def _read_detail(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body, type=dict[str, str | int])["detail"])
    except (*DECODE_ERRORS, KeyError):
        return ""
