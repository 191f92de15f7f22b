"""What each route needs: one declaration per route, which the guard checks, OpenAPI shows and docs/reference/permissions.md lists.

    @get("/", opt=requires(Permission.RULES_READ), ...)

A public route declares PUBLIC, one for whoever has a valid credential AUTHENTICATED. An app with an undeclared route is not built.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple, cast

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute

from app.api.principal import PRINCIPAL, Principal
from app.api.problems import ProblemDetails, ProblemError, build_problem
from schemas.permissions import PROJECT_PERMISSIONS, Permission

ACCESS: Final = "access"  # the declaration's key in the options of a route
ACCOUNT_RULE: Final = "account.password_reset"
ACCOUNT_MESSAGES: Final = frozenset({ACCOUNT_RULE, "herold-password-link"})
"""The type and the template of the e-mails with a link to choose a password. Who changes them can read the link of any account."""

NO_CREDENTIAL = "send the header Authorization: Bearer <API key or access token>, or X-API-Key: <API key>"


class Access(StrEnum):
    """What a route needs that needs no permission."""

    PUBLIC = "public"
    AUTHENTICATED = "authenticated"


PUBLIC: Final[Mapping[str, Any]] = {ACCESS: Access.PUBLIC}
AUTHENTICATED: Final[Mapping[str, Any]] = {ACCESS: Access.AUTHENTICATED}


class UndeclaredRouteError(Exception):
    """Routes do not say who may use them."""


class DeclaredRoute(NamedTuple):
    """A route with what it needs; `operation` is the id in the OpenAPI document, empty if the route is not in it."""

    method: str
    path: str
    needs: Permission | Access
    operation: str


class PublicPaths(NamedTuple):
    """The paths of public routes: whole ones, and the beginnings of those with parameters."""

    paths: frozenset[str]
    prefixes: tuple[str, ...]

    def contains(self, path: str) -> bool:
        """Whether a request to this path may have no credential; the guard has the last word."""
        return path in self.paths or path.startswith(self.prefixes)


def requires(permission: Permission) -> Mapping[str, Any]:
    """The declaration of a route that needs a permission."""
    return {ACCESS: permission}


async def guard_route(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The framework's guard of all routes. Raises ProblemError if the principal may not use the route."""
    needs = find_declaration(handler)
    if needs is None:  # build_asgi_app lets no such route exist
        raise UndeclaredRouteError(handler)
    if needs is not Access.PUBLIC:
        check_principal(cast(Principal | None, connection.scope.get(PRINCIPAL)), needs)


def check_principal(principal: Principal | None, needs: Permission | Access) -> None:
    """Raise ProblemError if the principal may not use what needs this."""
    if principal is None:
        raise ProblemError(build_problem("unauthorized", NO_CREDENTIAL))
    if isinstance(needs, Permission):
        check_permission(principal, needs)


def check_permission(principal: Principal, permission: Permission) -> None:
    """Raise ProblemError if the principal does not have the permission; for what only a part of a route's requests needs."""
    if not has_permission(principal, permission):
        raise ProblemError(build_forbidden_problem(principal, permission))


def has_permission(principal: Principal, permission: Permission) -> bool:
    """Whether the principal has the permission, and it counts in its project."""
    return permission in principal.permissions and (not principal.project or permission in PROJECT_PERMISSIONS)


def check_change(principal: Principal, name: str, account_template: str = "") -> None:
    """Raise ProblemError if a rule or template needs more than the permission for those, and the principal does not have it.

    `account_template`: the one that the rule of these e-mails names now.
    """
    if name in ACCOUNT_MESSAGES or name == account_template:
        check_permission(principal, Permission.ACCOUNTS_WRITE)


def build_forbidden_problem(principal: Principal, permission: Permission) -> ProblemDetails:
    """The problem of a principal without a permission."""
    detail = (
        f"this needs the permission {permission}, which {principal.kind} {principal.name!r} with the role {principal.role} does not have"
    )
    return build_problem("forbidden", detail, permission=permission)


def find_declaration(handler: BaseRouteHandler) -> Permission | Access | None:
    """What a route needs. The framework's own answers to OPTIONS say which methods a path has, no more: the path decides."""
    if getattr(handler, "http_methods", None) == {"OPTIONS"} and ACCESS not in handler.opt:
        return Access.PUBLIC
    declared = handler.opt.get(ACCESS)
    return declared if isinstance(declared, Permission | Access) else None


def list_declared_routes(app: Litestar) -> list[DeclaredRoute]:
    """All routes in the order of paths. Raises UndeclaredRouteError, which names those without a declaration."""
    routes = [*_iterate_routes(app)]
    if undeclared := sorted(f"{method} {path}" for method, path, _, needs in routes if needs is None):
        text = f"{', '.join(undeclared)}: declare who may use it, with opt=requires(Permission.X), opt=AUTHENTICATED or opt=PUBLIC"
        raise UndeclaredRouteError(text)
    declared = [DeclaredRoute(method, path, needs, operation) for method, path, operation, needs in routes if needs is not None]
    return sorted(declared, key=lambda route: (route.path, route.method))


def find_public_paths(app: Litestar) -> PublicPaths:
    """The paths at which at least one route is public. Raises UndeclaredRouteError."""
    paths = {route.path for route in list_declared_routes(app) if route.needs is Access.PUBLIC}
    return PublicPaths(
        frozenset(path for path in paths if "{" not in path), tuple({path.partition("{")[0] for path in paths if "{" in path})
    )


def _iterate_routes(app: Litestar) -> Iterator[tuple[str, str, str, Permission | Access | None]]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            raise UndeclaredRouteError(f"{route.path} is no route of HTTP: nothing checks who may use it")
        for handler in route.route_handlers:
            operation = handler.operation_id if handler.resolve_include_in_schema() else ""
            for method in handler.http_methods - {"OPTIONS"}:
                yield method, route.path_format, str(operation or ""), find_declaration(handler)
