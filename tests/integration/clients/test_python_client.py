"""The Python client against a gateway in a process of its own, with Kafka, PostgreSQL and Valkey."""

import asyncio
from typing import Any

import pytest
from herold_client import AsyncHerold, Herold, UnreachableError, models
from herold_client.errors import InvalidRequestError, NotFoundError, PreconditionFailedError, ProblemError, UnauthorizedError

SUBMISSION = models.Submission(
    user_id="u-42", type="account.otp", data={"code": "482193", "minutes": 5}, to={"email": "a@example.org"}, priority="high"
)


def test_all_of_it(gateway: Any) -> None:
    """One test: a gateway takes seconds to start."""
    with Herold(gateway.url, gateway.api_key) as herold:
        check_submissions(herold)
        check_users_and_pages(herold)
        check_rules(herold)
        check_templates(herold)
        check_suppressions(herold)
    check_errors(gateway)
    asyncio.run(check_asynchronous_client(gateway))


def check_submissions(herold: Herold) -> None:
    accepted = herold.submit_notification(SUBMISSION, idempotency_key="order-17")
    assert (accepted.priority, accepted.status) == ("high", "accepted")
    assert herold.submit_notification(SUBMISSION, idempotency_key="order-17") == accepted
    assert herold.get_notification(accepted.id).state == "accepted"
    assert herold.explain_notification(accepted.id).id == accepted.id
    bulk = herold.submit_notifications([SUBMISSION, models.Submission(user_id="u-43", type="no.such.type")])
    assert (bulk.accepted, bulk.invalid) == (1, 1)
    assert bulk.results[1].errors[0].pointer == "#/1/type"


def check_users_and_pages(herold: Herold) -> None:
    change = models.UserChange(addresses={"email": ["ada@example.org"]}, locale="de-AT", tier="gold")
    created = herold.put_user("shop/ada ü", change, actor="ada")
    assert isinstance(created, models.User)
    assert (created.id, created.addresses["email"], created.tier) == ("shop/ada ü", ["ada@example.org"], "gold")
    changed = herold.change_user("shop/ada ü", models.UserChange(tier="silver"), if_match=created.version)
    assert (changed.tier, changed.locale) == ("silver", "de-AT")
    with pytest.raises(PreconditionFailedError) as raised:
        herold.change_user("shop/ada ü", models.UserChange(tier="gold"), if_match=created.version)
    assert raised.value.code == "precondition-failed"
    ids = [f"shop/{number}" for number in range(5)]
    for user_id in ids:
        herold.put_user(user_id, models.UserChange(tier="gold"))
    assert [user.id for user in herold.iterate_users(search="shop/", limit=2)] == [*ids, "shop/ada ü"]
    herold.put_device(ids[0], "token-1", models.DeviceChange(kind="fcm", platform="android"))
    assert [device.token for device in herold.iterate_devices(ids[0])] == ["token-1"]
    items = [models.PreferenceChange(category="marketing", channel="email", choice="out")]
    preferences = herold.change_preferences(ids[0], models.PreferencePatch(items=items))
    assert [(one.category, one.choice) for one in preferences.items] == [("marketing", "out")]
    herold.delete_user(ids[0])
    with pytest.raises(NotFoundError, match="not-found"):
        herold.get_user(ids[0])


def check_rules(herold: Herold) -> None:
    entry = models.RuleEntry(type="client.test", category="transactional", channels=["email"], template="order-shipped")
    created = herold.put_rule("client.test", entry)
    assert created.rule.category == "transactional"
    assert herold.get_rule("client.test") == created
    assert "client.test" in {one.rule.type for one in herold.iterate_rules(limit=3)}
    herold.delete_rule("client.test", if_match=created.version)
    versions = [*herold.iterate_rule_versions("client.test")]
    assert [version.rule is None for version in versions] == [True, False]


def check_templates(herold: Herold) -> None:
    names = {template.name for template in herold.iterate_templates(limit=2)}
    assert "order-shipped" in names
    shown = herold.get_template("order-shipped")
    assert shown.name == "order-shipped"
    preview = herold.preview_template("order-shipped", models.PreviewRequest(version=shown.version))
    assert preview.contents


def check_suppressions(herold: Herold) -> None:
    request = models.SuppressionRequest(channel="email", address="Bob@Example.ORG", reason="complaint")
    suppression = herold.create_suppression(request)
    assert suppression.address == "bob@example.org"
    assert [one.id for one in herold.iterate_suppressions(search="BOB@example.org")] == [suppression.id]
    assert herold.undo_suppression(suppression.id, reason="asked for it").undone_at


def check_errors(gateway: Any) -> None:
    with Herold(gateway.url, "wrong") as herold, pytest.raises(UnauthorizedError):
        herold.get_user("u-42")
    with Herold(gateway.url, gateway.api_key) as herold:
        with pytest.raises(InvalidRequestError) as raised:
            herold.submit_notification(models.Submission(user_id="u-42", type="account.otp", to={"email": "no address"}))
        assert [error.pointer for error in raised.value.errors] == ["#/to/email"]
        assert raised.value.request_id
        with pytest.raises(ProblemError, match="cursor"):
            herold.list_users(cursor="of-another-list")
    with Herold("http://127.0.0.1:1", gateway.api_key) as herold, pytest.raises(UnreachableError) as unreachable:
        herold.get_user("u-42")
    assert not unreachable.value.is_sent


async def check_asynchronous_client(gateway: Any) -> None:
    async with AsyncHerold(gateway.url, gateway.api_key) as herold:
        accepted = await asyncio.gather(*(herold.submit_notification(SUBMISSION) for _ in range(5)))
        assert len({one.id for one in accepted}) == 5
        assert [user.id async for user in herold.iterate_users(search="shop/", limit=2)][-1] == "shop/ada ü"
        with pytest.raises(NotFoundError):
            await herold.get_rule("no.such.rule")
