"""Lends the frameworks of gateways to tests: to register the routes takes a quarter of a second, and most tests open a gateway.

A framework has nothing of its gateway but the state and the lifespan, which are set when it is lent. Each gateway has one of its own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from litestar import Litestar
from litestar.datastructures import State

BuildFramework = Callable[..., Litestar]


class FrameworkPool:
    """The frameworks of this process that no gateway has now, by the limit of a request's body."""

    def __init__(self, build: BuildFramework) -> None:
        self._build = build
        self._free: defaultdict[int, list[Litestar]] = defaultdict(list)

    @contextmanager
    def lend(self) -> Iterator[BuildFramework]:
        """What gives frameworks in place of `build_framework`; they are free again at the end."""
        lent: list[tuple[int, Litestar]] = []

        def take(state: State, body_limit: int, lifespan: Sequence[Any] = ()) -> Litestar:
            free = self._free[body_limit]
            framework = free.pop() if free else self._build(State({}), body_limit)
            framework.state, framework._lifespan_managers = state, list(lifespan)
            lent.append((body_limit, framework))
            return framework

        try:
            yield take
        finally:
            for body_limit, framework in lent:
                framework.state, framework._lifespan_managers = State({}), []
                self._free[body_limit].append(framework)


_pools: dict[ModuleType, FrameworkPool] = {}


@contextmanager
def lend_frameworks(asgi: ModuleType | None) -> Iterator[None]:
    """Let gateways that are built meanwhile borrow their frameworks; `asgi` is app.api.asgi, None if nothing has imported it yet."""
    if asgi is None:
        yield
        return
    original = asgi.build_framework
    pool = _pools.setdefault(asgi, FrameworkPool(original))
    with pool.lend() as take:
        asgi.build_framework = take  # type: ignore[attr-defined]
        try:
            yield
        finally:
            asgi.build_framework = original  # type: ignore[attr-defined]
