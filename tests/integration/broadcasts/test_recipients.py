"""Filters against a model in Python, and pages of users: whatever their size, each user who matches is on one of them."""

import string
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from schemas.audiences import AudienceFilter, MatchingUsers, MemberList, NamedUsers
from tables.postgres import recipients
from tables.postgres.database import Database
from tests.integration.broadcasts.users import CHANNELS, CREATED_AT, LOCALES, TIERS, USERS, ZONES, insert_users

pytestmark = pytest.mark.usefixtures("sealing_mode")

UUID = "0199c82cc00070008000000000000001"

labels = {"tier": TIERS, "locale": [*LOCALES, "DE_at", "fr"], "time_zone": ZONES}
attributes = st.dictionaries(st.sampled_from(["plan", "age", "tags"]), st.sampled_from(["pro", 3, ["a"], None]), min_size=1)
times = st.integers(min_value=-1, max_value=len(USERS) + 1).map(lambda number: CREATED_AT + number * 60.0)
leaves = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.lists(st.sampled_from(values), min_size=1, max_size=2) for name, values in labels.items()},
        "attributes": attributes,
        "created_after": times,
        "created_before": times,
        "has_channel": st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2),
    },
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"any": some}),
        inner.map(lambda one: {"not": one}),
        st.tuples(leaves, inner).map(lambda pair: {**pair[0], "not": pair[1]}),
    ),
    max_leaves=6,
)


def matches(user: dict[str, Any], one: AudienceFilter) -> bool:
    """Whether a user matches: the model."""
    own_locale = user["locale"].lower().replace("_", "-")
    wanted = [] if one.locale is UNSET else [locale.lower().replace("_", "-") for locale in one.locale]
    return all(
        (
            one.tier is UNSET or user["tier"] in one.tier,
            one.locale is UNSET or any(own_locale == locale or own_locale.startswith(f"{locale}-") for locale in wanted),
            one.time_zone is UNSET or user["time_zone"] in one.time_zone,
            one.attributes is UNSET or all(contains(user["attributes"].get(name, ...), value) for name, value in one.attributes.items()),
            one.created_after is UNSET or user["created_at"] >= one.created_after,
            one.created_before is UNSET or user["created_at"] < one.created_before,
            one.has_channel is UNSET or all(user["addresses"].get(channel) for channel in one.has_channel),
            one.any is UNSET or any(matches(user, inner) for inner in one.any),
            one.negated is UNSET or not matches(user, one.negated),
        )
    )


def contains(value: Any, wanted: Any) -> bool:
    """Whether JSON contains another, as jsonb's @> says of these values."""
    return all(item in value for item in wanted) if isinstance(value, list) and isinstance(wanted, list) else bool(value == wanted)


async def read_all(database: Database, who: recipients.Recipients, limit: int) -> list[str]:
    """The users of all pages, in order."""
    found, page = [], await recipients.read_page(database, who, "", limit)
    while True:
        found += page.user_ids
        assert len(page.user_ids) <= limit
        if page.is_last:
            return found
        page = await recipients.read_page(database, who, page.cursor, limit)


async def test_a_filter_selects_the_users_that_the_model_does(database_copy: Database, monkeypatch: Any) -> None:
    await insert_users(database_copy)
    monkeypatch.setattr(recipients, "SCANNED_PER_PAGE", 7)
    monkeypatch.setattr(recipients, "SCANNED_PER_COUNT", 5)

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(filters, st.integers(min_value=1, max_value=9))
    def generate(document: dict[str, Any], limit: int) -> None:
        cases.append((msgspec.convert(document, AudienceFilter), limit))

    cases: list[tuple[AudienceFilter, int]] = []
    generate()
    for one, limit in cases:
        expected = sorted(user["id"] for user in USERS if matches(user, one))
        assert await read_all(database_copy, MatchingUsers(one), limit) == expected, one
        assert await recipients.count_all(database_copy, MatchingUsers(one)) == len(expected), one


async def test_members_and_named_users_are_paged_each_once(database_copy: Database) -> None:
    await insert_users(database_copy)
    ids = sorted(user["id"] for user in USERS)
    async with database_copy.acquire_connection() as connection:
        await connection.execute("insert into audiences (id, name, kind) values ($1, 'testers', 'list')", UUID)
        await connection.execute("insert into audience_members select $1, id from unnest($2::text[]) as id", UUID, ids)
        await connection.execute(
            "insert into broadcasts (id, user_ids, notification, created_by) values ($1, $2, '{}', 'test')",
            UUID,
            [*ids[::-1], *ids[:5], "none"],
        )
    for limit in (1, 3, len(ids), 100):
        assert await read_all(database_copy, MemberList(UUID), limit) == ids
        assert await read_all(database_copy, NamedUsers(UUID), limit) == sorted([*ids, "none"])
    assert await recipients.count_all(database_copy, MemberList(UUID)) == len(ids)
    assert await recipients.count_all(database_copy, NamedUsers(UUID)) == len(ids) + 1


async def test_nobody_of_another_project_is_a_recipient(database_copy: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(recipients, "SCANNED_PER_PAGE", 7)
    monkeypatch.setattr(recipients, "SCANNED_PER_COUNT", 5)
    await insert_users(database_copy)
    foreign, own = ["@acme/u-1", "@acme/u-2"], sorted([*(user["id"] for user in USERS), "@ada", "@nobody/u-1"])
    async with database_copy.acquire_connection() as connection:
        await connection.execute("insert into projects (id, name, created_by) values ('acme', 'Acme', 'test')")
        await connection.execute("insert into users (id) select unnest($1::text[])", [*foreign, "@ada", "@nobody/u-1"])
        await connection.execute("insert into audiences (id, name, kind) values ($1, 'all', 'list')", UUID)
        await connection.execute("insert into audience_members select $1, id from users", UUID)
        await connection.execute(
            "insert into broadcasts (id, user_ids, notification, created_by) values ($1, $2, '{}', 'test')", UUID, [*foreign, *own]
        )
    for project, expected in (("", own), ("acme", foreign), ("umbrella", []), ("nobody", [])):
        for who in (MatchingUsers(AudienceFilter(), project), MemberList(UUID, project), NamedUsers(UUID, project)):
            assert await read_all(database_copy, who, 3) == expected, who
            assert await recipients.count_all(database_copy, who) == len(expected), who


async def test_values_of_a_filter_are_no_sql(database_copy: Database) -> None:
    await insert_users(database_copy)
    for text in (*string.punctuation, "'; drop table users; --", "$1", "{condition}", "{number}"):
        one = AudienceFilter(tier=[text], locale=[text], time_zone=[text], attributes={text: text})
        assert await read_all(database_copy, MatchingUsers(one), 3) == []
