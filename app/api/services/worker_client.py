"""The client of the workers' web views: asks any running worker of a role, which forwards to the worker of the user's partition."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from app.api.ports import WorkerAddresses
from schemas.errors import DECODE_ERRORS, UnavailableError
from schemas.user_rows import RemovedRows, UserRows
from schemas.worker_reports import WorkerReport

T = TypeVar("T")

NO_TOKEN = "the gateway has no token for the workers: set HEROLD_WORKER_WEB_TOKEN to that of the workers"
FINAL_STATUSES = (400, 404)  # every worker of the role would say the same
ALL_WORKERS_SECONDS = 15.0  # that all workers of a role have together: one that hangs leaves time for another one
REQUEST_TIMEOUT = ClientTimeout(total=10, connect=2)  # longer than a worker waits for another one


class RejectedError(UnavailableError):
    """A worker responded with one of FINAL_STATUSES; the text is its detail."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class WorkerClient:
    """Reads reports, reads and removes rows. Each method raises UnavailableError, which says which worker does not answer and why."""

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

    async def find_row(self, role: str, table: str, user_id: str, key: str) -> dict[str, Any] | None:
        """A row of a table with decoded fields, its partition and its worker; None if there is none.

        Raises ValueError for a key that is none of the table's.
        """
        path = "/".join(["", "tables", table, quote(user_id, safe=""), *([quote(key, safe="")] if key else [])])
        try:
            return await self._request(role, "GET", path, dict[str, Any], ends_at_rejection=True)
        except RejectedError as error:
            if error.status == 404:
                return None
            raise ValueError(str(error)) from None

    async def list_urls(self, role: str) -> Sequence[str]:
        """The addresses of the workers of a role."""
        return await self._addresses.list_urls(role)

    async def read_report(self, url: str) -> WorkerReport:
        """What the worker at this address says of itself."""
        if not self._token:
            raise UnavailableError(NO_TOKEN)
        try:
            return msgspec.json.decode(await self._fetch("GET", url + "/report"), type=WorkerReport)
        except (OSError, TimeoutError, ClientError) as error:
            raise UnavailableError(f"it does not answer: {type(error).__name__}") from None
        except DECODE_ERRORS as error:
            raise UnavailableError(f"its report cannot be read, as if it were of another version: {error}") from None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _request(self, role: str, method: str, path: str, result_type: type[T], *, ends_at_rejection: bool = False) -> T:
        if not self._token:
            raise UnavailableError(NO_TOKEN)
        try:
            urls = await self._addresses.list_urls(role)
        except UnavailableError as error:
            raise UnavailableError(f"the workers are registered in Redis: {error}") from None
        problems = [f"no worker of the role {role} has registered: check that one runs, with a worker.web_port"] if not urls else []
        clock = asyncio.get_running_loop().time
        deadline = clock() + ALL_WORKERS_SECONDS
        for number, url in enumerate(urls):
            if clock() >= deadline:
                problems.append(f"{len(urls) - number} others were not asked, because {ALL_WORKERS_SECONDS:g} s are over")
                break
            try:
                async with asyncio.timeout_at(deadline):
                    answer = await self._fetch(method, url + path)
                return msgspec.json.decode(answer, type=result_type)
            except (OSError, TimeoutError, ClientError) as error:
                problems.append(f"the worker at {url} does not answer: {type(error).__name__}")
            except (UnavailableError, *DECODE_ERRORS) as error:
                if ends_at_rejection and isinstance(error, RejectedError):
                    raise
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
            detail = _read_detail(body) or f"it responded with {response.status}"
            if response.status in FINAL_STATUSES:
                raise RejectedError(response.status, detail)
            raise UnavailableError(detail)


def _read_detail(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body, type=dict[str, str | int])["detail"])
    except (*DECODE_ERRORS, KeyError):
        return ""
