from schemas.permissions import GRANTS, ROLE_PERMISSIONS, TEST_PERMISSIONS, Permission, Role, select_permissions


def test_every_permission_is_granted_and_described_once() -> None:
    assert [grant.permission for grant in GRANTS] == [*Permission]
    assert all(grant.text for grant in GRANTS)


def test_admin_has_all_and_nobody_else_has() -> None:
    assert ROLE_PERMISSIONS[Role.ADMIN] == frozenset(Permission)
    assert all(ROLE_PERMISSIONS[role] < frozenset(Permission) for role in Role if role is not Role.ADMIN)


def test_only_an_admin_manages_access_and_reads_what_is_masked_or_gives_access() -> None:
    resources = ("api-keys:", "accounts:", "projects:", "audit:", "simulators:")
    reserved = {permission for permission in Permission if permission.startswith(resources)}
    reserved |= {Permission.USERS_UNMASK, Permission.USERS_EXPORT, Permission.USERS_ERASE}
    assert all(not reserved & ROLE_PERMISSIONS[role] for role in Role if role is not Role.ADMIN)


def test_a_viewer_only_reads() -> None:
    assert all(permission.endswith(":read") for permission in ROLE_PERMISSIONS[Role.VIEWER])


def test_a_service_sends_and_reads_what_became_of_it() -> None:
    assert ROLE_PERMISSIONS[Role.SERVICE] == {
        Permission.NOTIFICATIONS_SEND,
        Permission.NOTIFICATIONS_READ,
        Permission.NOTIFICATIONS_CHANGE,
    }


def test_scopes_take_away_and_add_nothing() -> None:
    assert select_permissions(Role.SERVICE) == ROLE_PERMISSIONS[Role.SERVICE]
    assert select_permissions(Role.SERVICE, [Permission.NOTIFICATIONS_SEND, Permission.RULES_WRITE]) == {Permission.NOTIFICATIONS_SEND}
    assert select_permissions(Role.VIEWER, [Permission.RULES_WRITE]) == frozenset()


def test_a_test_key_sends_and_reads_and_changes_nothing() -> None:
    assert {permission for permission in TEST_PERMISSIONS if not permission.endswith(":read")} == {Permission.NOTIFICATIONS_SEND}
    assert select_permissions(Role.ADMIN, is_test=True) == TEST_PERMISSIONS
    assert Permission.SIMULATORS_READ not in TEST_PERMISSIONS
