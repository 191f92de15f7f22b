"""The pages behind the links that work once."""

import asyncio

import pytest

from app.auth.first_admin import announce_first_admin
from tests.integration.auth.auth_harness import PASSWORD, AuthHarness, bear
from tests.unit.app.api.pages.page_structure import PageStructure


async def test_a_password_is_chosen_on_the_page_of_the_link(harness: AuthHarness) -> None:
    account = await harness.add_account()
    harness.auth.links.send_later(account)
    (link,) = await harness.read_links()
    page = await harness.client.get(link)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    PageStructure(page.text)
    weak = await harness.client.post(link, data={"password": "short"})
    assert (weak.status_code, "12 to 256" in weak.text, "short" in weak.text) == (422, True, False)
    saved = await harness.client.post(link, data={"password": "other words in a row"})
    assert (saved.status_code, "saved" in saved.text) == (200, True)
    assert (await harness.client.post(link, data={"password": "other words in a row"})).status_code == 404
    assert (await harness.try_login(password="other words in a row"))[0] == 200


async def test_the_first_account_is_made_on_the_page_of_the_link(harness: AuthHarness) -> None:
    written: list[str] = []
    await announce_first_admin(harness.auth.links, written.append, asyncio.sleep)
    link = written[0].strip().rpartition("\n")[2]
    PageStructure((await harness.client.get(link)).text)
    form = {"email": "root@example.org", "name": "Root <b>", "password": "short"}
    weak = await harness.client.post(link, data=form)
    assert weak.status_code == 422
    assert "Root &lt;b&gt;" in weak.text
    PageStructure(weak.text)
    assert (await harness.client.post(link, data={**form, "password": PASSWORD})).status_code == 200
    again = await harness.client.post(link, data={**form, "password": PASSWORD})
    assert again.status_code == 404
    tokens = await harness.log_in("root@example.org")
    assert (await harness.client.get("/v1/accounts", headers=bear(tokens))).json()["items"][0]["name"] == "Root <b>"


@pytest.mark.parametrize("path", ["/account/password/x", "/account/first-admin/x"])
async def test_a_form_without_a_token_or_fields_changes_nothing(harness: AuthHarness, path: str) -> None:
    assert (await harness.client.get(path)).status_code == 200
    assert (await harness.client.post(path, data={"password": PASSWORD, "email": "a@example.org"})).status_code == 404
    assert (await harness.client.post(path, content=b"\xff\0garbage")).status_code == 422
    assert (await harness.client.post(path, data={"password": "x" * 20_000})).status_code == 413
