"""Sends requests over httpx, again where that does no harm; synchronous and asynchronous."""

import asyncio
import random
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from herold_client.errors import HeroldError
from herold_client.requests import Request, build_error, build_unreachable_error, decode_json, decode_result, describe_failure
from herold_client.retries import RetryPolicy, find_delay

TIMEOUT = 15.0  # seconds
NO_RETRIES = RetryPolicy(attempts=1)


def make_key() -> str:
    """A new Idempotency-Key."""
    return uuid4().hex


def build_headers(api_key: str, headers: Mapping[str, str] | None) -> dict[bytes, bytes]:
    """The headers of all requests."""
    all_headers = {**({"authorization": f"Bearer {api_key}"} if api_key else {}), "accept": "application/json", **(headers or {})}
    return {name.encode(): value.encode() for name, value in all_headers.items()}


class Transport:
    """The connections to one gateway. No proxy and no ~/.netrc of the environment is used: that could replace the API key."""

    def __init__(
        self,
        url: str,
        api_key: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        retries: RetryPolicy = NO_RETRIES,
        http: httpx.Client | None = None,
    ) -> None:
        self.url, self._retries, self._headers = url.rstrip("/"), retries, build_headers(api_key, headers)
        self._http = http or httpx.Client(timeout=timeout, trust_env=False)

    def call(self, request: Request, results: Mapping[int, Any]) -> Any:
        """The result of a request, of the type for its status. Raises HeroldError."""
        return decode_result(self.url + request.path, self.send(request), results)

    def fetch_json(self, request: Request) -> Any:
        """The JSON of the answer to a request, an empty object without a body. Raises HeroldError."""
        return decode_json(self.url + request.path, self.send(request))

    def send(self, request: Request) -> httpx.Response:
        """The successful answer to a request. Raises HeroldError."""
        attempt = 1
        while True:
            try:
                return self._send_once(request)
            except HeroldError as error:
                failure = describe_failure(error)
                delay = find_delay(self._retries, attempt, request.method, request.has_idempotency_key, failure, random.random)
                if delay is None:
                    raise
            time.sleep(delay)
            attempt += 1

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _send_once(self, request: Request) -> httpx.Response:
        url = self.url + request.url
        try:
            response = self._http.request(request.method, url, headers={**self._headers, **request.sent_headers}, content=request.body)
        except httpx.HTTPError as error:
            raise build_unreachable_error(self.url, error) from error
        if response.is_success:
            return response
        raise build_error(self.url + request.path, response)


class AsyncTransport:
    """The same for asyncio."""

    def __init__(
        self,
        url: str,
        api_key: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        retries: RetryPolicy = NO_RETRIES,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.url, self._retries, self._headers = url.rstrip("/"), retries, build_headers(api_key, headers)
        self._http = http or httpx.AsyncClient(timeout=timeout, trust_env=False)

    async def call(self, request: Request, results: Mapping[int, Any]) -> Any:
        """The result of a request, of the type for its status. Raises HeroldError."""
        return decode_result(self.url + request.path, await self.send(request), results)

    async def send(self, request: Request) -> httpx.Response:
        """The successful answer to a request. Raises HeroldError."""
        attempt = 1
        while True:
            try:
                return await self._send_once(request)
            except HeroldError as error:
                failure = describe_failure(error)
                delay = find_delay(self._retries, attempt, request.method, request.has_idempotency_key, failure, random.random)
                if delay is None:
                    raise
            await asyncio.sleep(delay)
            attempt += 1

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _send_once(self, request: Request) -> httpx.Response:
        url = self.url + request.url
        try:
            response = await self._http.request(
                request.method, url, headers={**self._headers, **request.sent_headers}, content=request.body
            )
        except httpx.HTTPError as error:
            raise build_unreachable_error(self.url, error) from error
        if response.is_success:
            return response
        raise build_error(self.url + request.path, response)
