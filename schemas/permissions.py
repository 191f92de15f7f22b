"""Who may do what: the permissions, the roles, and the one table that says which role has which permission.

A permission that the table does not give to a role is denied (docs/reference/permissions.md shows the table).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What an account or a key is for."""

    ADMIN = "admin"
    OPERATOR = "operator"
    DEVELOPER = "developer"
    VIEWER = "viewer"
    SERVICE = "service"


class Permission(StrEnum):
    """What may be done with a resource: `<resource>:<verb>`."""

    NOTIFICATIONS_SEND = "notifications:send"
    NOTIFICATIONS_READ = "notifications:read"
    NOTIFICATIONS_CHANGE = "notifications:change"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    USERS_UNMASK = "users:unmask"
    USERS_EXPORT = "users:export"
    USERS_ERASE = "users:erase"
    RATE_WINDOWS_RESET = "rate-windows:reset"
    PREFERENCES_READ = "preferences:read"
    PREFERENCES_WRITE = "preferences:write"
    SUPPRESSIONS_READ = "suppressions:read"
    SUPPRESSIONS_WRITE = "suppressions:write"
    TEMPLATES_READ = "templates:read"
    TEMPLATES_WRITE = "templates:write"
    TEMPLATES_PUBLISH = "templates:publish"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    RATE_LIMITS_READ = "rate-limits:read"
    RATE_LIMITS_WRITE = "rate-limits:write"
    AUDIENCES_READ = "audiences:read"
    AUDIENCES_WRITE = "audiences:write"
    BROADCASTS_READ = "broadcasts:read"
    BROADCASTS_SEND = "broadcasts:send"
    BROADCASTS_CONTROL = "broadcasts:control"
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    SCHEDULES_CONTROL = "schedules:control"
    DEAD_LETTERS_READ = "dead-letters:read"
    DEAD_LETTERS_DISCARD = "dead-letters:discard"
    REDRIVES_READ = "redrives:read"
    REDRIVES_WRITE = "redrives:write"
    WEBHOOK_ENDPOINTS_READ = "webhook-endpoints:read"
    WEBHOOK_ENDPOINTS_WRITE = "webhook-endpoints:write"
    METRICS_READ = "metrics:read"
    PROVIDERS_CONTROL = "providers:control"
    TABLES_READ = "tables:read"
    LIVE_READ = "live:read"
    API_KEYS_READ = "api-keys:read"
    API_KEYS_WRITE = "api-keys:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    AUDIT_READ = "audit:read"
    SIMULATORS_READ = "simulators:read"
    SIMULATORS_WRITE = "simulators:write"


class Grant(NamedTuple):
    """What a permission is, and the roles that have it beside admin, which has all."""

    permission: Permission
    text: str
    roles: tuple[Role, ...] = ()


_OPERATOR, _DEVELOPER, _VIEWER, _SERVICE = Role.OPERATOR, Role.DEVELOPER, Role.VIEWER, Role.SERVICE
_STAFF = (_OPERATOR, _DEVELOPER, _VIEWER)

GRANTS: tuple[Grant, ...] = (
    Grant(Permission.NOTIFICATIONS_SEND, "submit notifications", (_DEVELOPER, _SERVICE)),
    Grant(Permission.NOTIFICATIONS_READ, "read notifications, with their deliveries, attempts and decisions", (*_STAFF, _SERVICE)),
    Grant(Permission.NOTIFICATIONS_CHANGE, "cancel and reschedule held notifications, mark notifications as read", (_OPERATOR, _SERVICE)),
    Grant(Permission.USERS_READ, "read users, their devices, counts and live state", (_OPERATOR,)),
    Grant(Permission.USERS_WRITE, "create, change and delete users and devices"),
    Grant(Permission.USERS_UNMASK, "read addresses and contents without masks; each reading is audited"),
    Grant(Permission.USERS_EXPORT, "export all data of a user"),
    Grant(Permission.USERS_ERASE, "erase all data of a user"),
    Grant(Permission.RATE_WINDOWS_RESET, "empty the rate windows of a user", (_OPERATOR,)),
    Grant(Permission.PREFERENCES_READ, "read preferences and consent events", (_OPERATOR,)),
    Grant(Permission.PREFERENCES_WRITE, "change preferences", (_OPERATOR,)),
    Grant(Permission.SUPPRESSIONS_READ, "read suppressions", (_OPERATOR,)),
    Grant(Permission.SUPPRESSIONS_WRITE, "add and undo suppressions", (_OPERATOR,)),
    Grant(Permission.TEMPLATES_READ, "read and preview templates", _STAFF),
    Grant(Permission.TEMPLATES_WRITE, "write versions of templates", (_DEVELOPER,)),
    Grant(Permission.TEMPLATES_PUBLISH, "publish versions of templates and roll them back", (_DEVELOPER,)),
    Grant(Permission.RULES_READ, "read rules", _STAFF),
    Grant(Permission.RULES_WRITE, "change rules and roll them back", (_DEVELOPER,)),
    Grant(Permission.RATE_LIMITS_READ, "read rate limits", _STAFF),
    Grant(Permission.RATE_LIMITS_WRITE, "change rate limits", (_OPERATOR,)),
    Grant(Permission.AUDIENCES_READ, "read audiences and the ids of their members", _STAFF),
    Grant(Permission.AUDIENCES_WRITE, "change audiences and their members", (_OPERATOR,)),
    Grant(Permission.BROADCASTS_READ, "read broadcasts", _STAFF),
    Grant(Permission.BROADCASTS_SEND, "create broadcasts", (_OPERATOR,)),
    Grant(Permission.BROADCASTS_CONTROL, "pause, resume and cancel broadcasts", (_OPERATOR,)),
    Grant(Permission.SCHEDULES_READ, "read schedules and their runs", _STAFF),
    Grant(Permission.SCHEDULES_WRITE, "create, change and delete schedules", (_OPERATOR,)),
    Grant(Permission.SCHEDULES_CONTROL, "pause, resume and run schedules", (_OPERATOR,)),
    Grant(Permission.DEAD_LETTERS_READ, "read dead letters; their exact bytes need users:unmask, too", _STAFF),
    Grant(Permission.DEAD_LETTERS_DISCARD, "discard dead letters", (_OPERATOR,)),
    Grant(Permission.REDRIVES_READ, "read redrives", _STAFF),
    Grant(Permission.REDRIVES_WRITE, "redrive dead letters; pause, resume and cancel redrives", (_OPERATOR,)),
    Grant(Permission.WEBHOOK_ENDPOINTS_READ, "read webhook endpoints, their statistics and attempts", _STAFF),
    Grant(Permission.WEBHOOK_ENDPOINTS_WRITE, "change webhook endpoints, rotate their secrets, ping them", (_OPERATOR, _DEVELOPER)),
    Grant(Permission.METRICS_READ, "read how the installation works: metrics, lag, workers, accounts of providers", (_OPERATOR, _VIEWER)),
    Grant(Permission.PROVIDERS_CONTROL, "pause and resume accounts of providers", (_OPERATOR,)),
    Grant(Permission.TABLES_READ, "look up rows of the workers' tables", (_OPERATOR,)),
    Grant(Permission.LIVE_READ, "follow events as they happen", _STAFF),
    Grant(Permission.API_KEYS_READ, "read API keys, without their secrets"),
    Grant(Permission.API_KEYS_WRITE, "create, change, rotate and revoke API keys that may do no more than oneself"),
    Grant(Permission.ACCOUNTS_READ, "read accounts of people"),
    Grant(Permission.ACCOUNTS_WRITE, "create, change and lock accounts of people"),
    Grant(Permission.PROJECTS_READ, "read projects"),
    Grant(Permission.PROJECTS_WRITE, "create and change projects"),
    Grant(Permission.AUDIT_READ, "read the audit log"),
    # mail to accounts arrives there, too: whoever reads a link to choose a password could log in as its owner
    Grant(Permission.SIMULATORS_READ, "read what arrived at the simulators of a local stack, with the links and codes in it"),
    Grant(Permission.SIMULATORS_WRITE, "switch faults of the simulators on and off"),
)

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    role: frozenset(grant.permission for grant in GRANTS if role in (Role.ADMIN, *grant.roles)) for role in Role
}

TEST_PERMISSIONS = frozenset({Permission.NOTIFICATIONS_SEND}) | {
    permission for permission in Permission if permission.endswith(":read") and permission is not Permission.SIMULATORS_READ
}
"""What a test key may do at most: send, and read, but no mail to accounts. Whatever else it changed would change live notifications."""


PROJECT_PERMISSIONS = frozenset(
    {
        Permission.NOTIFICATIONS_SEND,
        Permission.NOTIFICATIONS_READ,
        Permission.NOTIFICATIONS_CHANGE,
        Permission.USERS_READ,
        Permission.USERS_WRITE,
        Permission.USERS_UNMASK,
        Permission.USERS_EXPORT,
        Permission.PREFERENCES_READ,
        Permission.PREFERENCES_WRITE,
        Permission.SUPPRESSIONS_READ,
        Permission.SUPPRESSIONS_WRITE,
        Permission.TEMPLATES_READ,
        Permission.TEMPLATES_WRITE,
        Permission.TEMPLATES_PUBLISH,
        Permission.RULES_READ,
        Permission.RULES_WRITE,
        Permission.RATE_LIMITS_READ,
        Permission.RATE_LIMITS_WRITE,
        Permission.AUDIENCES_READ,
        Permission.AUDIENCES_WRITE,
        Permission.BROADCASTS_READ,
        Permission.BROADCASTS_SEND,
        Permission.BROADCASTS_CONTROL,
        Permission.SCHEDULES_READ,
        Permission.SCHEDULES_WRITE,
        Permission.SCHEDULES_CONTROL,
        Permission.DEAD_LETTERS_READ,
        Permission.DEAD_LETTERS_DISCARD,
        Permission.REDRIVES_READ,
        Permission.REDRIVES_WRITE,
        Permission.WEBHOOK_ENDPOINTS_READ,
        Permission.WEBHOOK_ENDPOINTS_WRITE,
        Permission.LIVE_READ,
        Permission.API_KEYS_READ,
        Permission.API_KEYS_WRITE,
        Permission.AUDIT_READ,
    }
)
"""What may be done in a project other than the default one: with what belongs to a project, and not with what all share."""


def select_permissions(role: Role, scopes: Iterable[str] = (), *, is_test: bool = False) -> frozenset[Permission]:
    """What somebody of a role may do: what its scopes name, without scopes all that the role may."""
    allowed, named = ROLE_PERMISSIONS[role], frozenset(scopes)
    limited = frozenset(permission for permission in allowed if permission in named) if named else allowed
    return limited & TEST_PERMISSIONS if is_test else limited
