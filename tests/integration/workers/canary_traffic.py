"""Values that nobody may see, pushed through every path of an installation: valid requests, broken ones, records, callbacks and logins."""

import asyncio
import hmac
import html
import json
import re
import time
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from schemas.ids import compute_partition
from tests.cluster import PARTITIONS, HeroldCluster, fetch_url, wait_until
from tests.integration.auth.oidc_provider import OidcProvider

USER = "u-canary"
CANARIES = {
    "a stored address": "canary-stored@example.org",
    "a stored number": "+436640017201",
    "a token of a device": "canary-device-" + "d" * 140,
    "an attribute": "canary-attribute",
    "an explicit address": "canary-given@example.org",
    "an address that bounces": "bounce+canary@example.org",
    "an address of a record": "canary-record@example.org",
    "a suppressed address": "canary-suppressed@example.org",
    "an address that is none": "canary-invalid@@example.org",
    "a content": "canary-content",
    "a content of a record": "canary-recorded",
    "a content that cannot be sent": "canary-unsendable",
    "a record that is none": "canary-broken-record",
    "a field of another type": "canary-wrong-type",
    "a code": "canary-482193",
    "a path of a webhook": "canary-path-of-a-webhook",
    "a text to us": "canary-inbound-text",
    "a number that writes to us": "+436640017202",
    "a password": "canary words in a row",
    "a wrong password": "canary wrong password",
    "a wrong key": "hrl_live_canary00_" + "w" * 43,
    "a wrong token": "eyJhbGciOiJub25lIn0.canary-claims.x",
    "a token of a link": "canary-link-" + "t" * 40,
    "a client's secret": "canary-oidc-client-secret",
    "a signature": "canary-signature",
    "an address of an account": "canary-account@example.org",
}
C = CANARIES
ORDER = {"name": C["a content"], "order": 17, "items": [C["a content"]], "total": "1", "eta": "tomorrow"}
OTP = {"user_id": USER, "type": "account.otp", "data": {"code": C["a code"], "minutes": 5}}


def build_endpoint_url(cluster: HeroldCluster) -> str:
    """The URL of a webhook with a secret in it."""
    return cluster.build_url("simulators", f"/hooks/shop/{C['a path of a webhook']}")


async def send_requests(cluster: HeroldCluster, client: httpx.AsyncClient) -> list[httpx.Response]:
    """Valid requests about a user, and what is sent to it; returns the answers."""
    addresses = {"email": [C["a stored address"]], "sms": [C["a stored number"]]}
    order = {"user_id": USER, "type": "order.shipped", "data": ORDER}
    webhook = {"webhook": build_endpoint_url(cluster)}
    requests: list[tuple[str, str, Any]] = [
        ("PUT", f"/v1/users/{USER}", {"addresses": addresses, "attributes": {"plan": C["an attribute"]}}),
        ("PUT", f"/v1/users/{USER}/devices/{C['a token of a device']}", {"platform": "ios"}),
        ("POST", "/v1/webhook-endpoints", {"user_id": USER, "url": build_endpoint_url(cluster)}),
        ("POST", "/v1/suppressions", {"channel": "email", "address": C["a suppressed address"]}),
        ("POST", "/v1/notifications", order),
        ("POST", "/v1/notifications", OTP),
        ("POST", "/v1/notifications", {**order, "to": {"email": C["an explicit address"]}}),
        ("POST", "/v1/notifications", {**order, "type": "order.confirmed", "to": {"email": C["an address that bounces"]}}),
        ("POST", "/v1/notifications", {**order, "to": {"email": C["a suppressed address"]}}),
        ("POST", "/v1/notifications", {**order, "type": "partner.order-webhook", "to": webhook}),
        ("POST", "/v1/notifications", {**order, "data": {**ORDER, "name": C["a content that cannot be sent"] * 5000}}),
        ("POST", "/v1/notifications/bulk", [{**order, "send_at": time.time() + 3000}]),
    ]
    return [await client.request(method, path, json=body) for method, path, body in requests]


async def send_broken_requests(cluster: HeroldCluster, client: httpx.AsyncClient) -> list[httpx.Response]:
    """Requests that are refused, with a canary where each is wrong; returns the answers."""
    any_version, wrong = {"if-match": "*"}, {"addresses": {"email": [C["an address that is none"]]}}
    text = {"Body": C["a text to us"], "From": C["a number that writes to us"]}
    bearer = f"Bearer {C['a wrong token']}"
    link = {"token": C["a token of a link"], "password": C["a password"]}
    cut = b'{"user_id":"u","data":{"body":"' + C["a content"].encode()
    requests: list[dict[str, Any]] = [
        {"method": "PUT", "url": f"/v1/users/{USER}", "json": wrong, "headers": any_version},
        {"method": "PUT", "url": f"/v1/users/{USER}", "json": {"attributes": C["an attribute"]}, "headers": any_version},
        {"method": "POST", "url": "/v1/notifications", "json": {**OTP, "data": C["a content"]}},
        {"method": "POST", "url": "/v1/notifications", "json": {**OTP, "to": {"email": [C["a content"], 1]}}},
        {"method": "POST", "url": "/v1/notifications/bulk", "json": [{**OTP, "channels": C["a content"]}, {"x": 1}]},
        {"method": "POST", "url": "/v1/notifications", "content": cut},
        {"method": "POST", "url": "/v1/templates/canary/versions", "json": {"parts": [{"subject": "{{ " + C["a content"]}]}},
        {"method": "POST", "url": "/v1/webhook-endpoints", "json": {"url": build_endpoint_url(cluster) + "#x", "kind": "status"}},
        {"method": "GET", "url": "/v1/users", "headers": {"authorization": f"Bearer {C['a wrong key']}"}},
        {"method": "GET", "url": "/v1/users", "headers": {"authorization": bearer, "cookie": f"herold_refresh={C['a wrong token']}"}},
        {"method": "GET", "url": f"/u/{C['a token of a link']}"},
        {"method": "GET", "url": f"/ws?ticket={C['a token of a link']}"},
        {"method": "GET", "url": "/v1/users", "params": {"search": C["a stored number"], "limit": "x"}},
        {"method": "POST", "url": "/v1/callbacks/twilio/inbound", "data": text, "headers": {"X-Twilio-Signature": C["a signature"]}},
        {"method": "POST", "url": "/v1/auth/login", "json": {"email": C["a stored address"], "password": C["a wrong password"]}},
        {"method": "POST", "url": "/v1/auth/refresh", "json": {"refresh_token": C["a token of a link"]}},
        {"method": "POST", "url": "/v1/auth/password-reset/confirm", "json": link},
        {"method": "GET", "url": "/v1/auth/oidc/callback", "params": {"code": C["a token of a link"], "state": C["a wrong token"]}},
    ]
    return [await client.request(**request) for request in requests]


async def send_inbound_text(cluster: HeroldCluster, client: httpx.AsyncClient) -> httpx.Response:
    """A text message to one of our numbers, signed by Twilio."""
    path, url = "/v1/callbacks/twilio/inbound", cluster.env["HEROLD_PROVIDERS_TWILIO_CALLBACK_BASE_URL"]
    form = {"MessageSid": "SM" + "0" * 32, "From": C["a number that writes to us"], "To": "+15005550006", "Body": C["a text to us"]}
    signed = f"{url}{path}" + "".join(f"{name}{form[name]}" for name in sorted(form))
    signature = b64encode(hmac.digest(cluster.env["HEROLD_PROVIDERS_TWILIO_AUTH_TOKEN"].encode(), signed.encode(), sha1)).decode()
    return await client.post(path, data=form, headers={"X-Twilio-Signature": signature})


async def produce_records(cluster: HeroldCluster) -> None:
    """Records of a producer: one that is sent, and some that are dead letters."""
    data = {**ORDER, "name": C["a content of a record"], "items": []}
    order = {"user_id": USER, "type": "order.shipped", "data": data}
    records = [
        json.dumps({**order, "to": {"email": C["an address of a record"]}}),
        '{"user_id": "' + USER + '", "data": {"name": "' + C["a record that is none"],
        json.dumps({**order, "channels": C["a field of another type"]}),
        json.dumps({**order, "data": C["a field of another type"]}),
        json.dumps({**order, "to": {"email": C["an address that is none"]}}),
    ]
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        for record in records:
            topic, partition = f"{cluster.prefix}notifications.high", compute_partition(USER, PARTITIONS)
            await producer.send_and_wait(topic, record.encode(), USER.encode(), partition=partition)


async def log_in(cluster: HeroldCluster, client: httpx.AsyncClient) -> dict[str, str]:
    """An account chooses a password by the link of its e-mail and logs in; returns the secrets that came about."""
    account = {"email": C["an address of an account"], "role": "operator"}
    assert (await client.post("/v1/accounts", json=account)).status_code == 201
    token = await wait_for_link(cluster)
    chosen = await client.post("/v1/auth/password-reset/confirm", json={"token": token, "password": C["a password"]})
    assert chosen.status_code == 204, chosen.text
    login = {"email": account["email"], "password": C["a password"]}
    tokens = (await client.post("/v1/auth/login", json=login)).raise_for_status().json()
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    ticket = (await client.post("/v1/live/tickets", headers=bearer)).raise_for_status().json()["ticket"]
    again = (await client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).raise_for_status().json()
    return {
        "a link": token, "an access token": tokens["access_token"], "a refresh token": tokens["refresh_token"],
        "a later refresh token": again["refresh_token"], "a ticket": ticket,
    }  # fmt: skip


async def wait_for_link(cluster: HeroldCluster) -> str:
    """The token of the link that was sent to the account."""
    found: list[str] = []

    async def has_come() -> bool:
        found.extend(re.findall(r"/account/password/([\w-]{43})", await asyncio.to_thread(read_inbox, cluster)))
        return bool(found)

    await wait_until(has_come, 120, "the link has been sent", interval=0.3)
    return found[0]


def read_inbox(cluster: HeroldCluster) -> str:
    """What the providers got, and the requests' addresses."""
    page = fetch_url(cluster.build_url("simulators", "/inbox")).decode()
    bodies = [fetch_url(cluster.build_url("simulators", path)).decode() for path in set(re.findall(r"/inbox/\d+/html", page))]
    return html.unescape("\n".join([page, *bodies, *map(json.dumps, cluster.fetch_request_log())]))


async def log_in_at_provider(client: httpx.AsyncClient, provider: OidcProvider) -> dict[str, str]:
    """A person logs in at the OpenID provider; returns the secrets that came about."""
    provider.set_person("canary", email="canary-oidc@example.org", email_verified=True, groups=["support"])
    started = await client.get("/v1/auth/oidc/start", params={"return_to": "/docs"})
    answer = provider.allow(started.headers["location"], "canary")
    ended = await client.get("/v1/auth/oidc/callback", params=answer)
    assert ended.status_code == 303, ended.text
    cookies = {f"the cookie {name}": str(value) for name, value in client.cookies.items()}
    return {"a code of the provider": answer["code"], "a state": answer["state"], **cookies}


async def make_key(cluster: HeroldCluster, client: httpx.AsyncClient) -> dict[str, str]:
    """An API key and the secret of an endpoint; the key is used."""
    key = (await client.post("/v1/api-keys", json={"name": "canary", "role": "viewer"})).raise_for_status().json()["key"]
    used = await client.get("/v1/rules", headers={"authorization": f"Bearer {key}"})
    assert used.status_code == 200, used.text
    endpoint = await client.post("/v1/webhook-endpoints", json={"user_id": USER, "url": build_endpoint_url(cluster) + "/2"})
    return {"an API key": key, "a secret of an endpoint": endpoint.raise_for_status().json()["secret"]}


def list_settings(env: Mapping[str, str]) -> dict[str, str]:
    """The secrets of the settings of an installation."""
    names = ("API_KEY", "SECRET", "TOKEN", "KEY_SECRET", "ENCRYPTION_KEYS", "INDEX_KEY", "SIGNING_KEY")
    return {name: value for name, value in env.items() if name.startswith("HEROLD_") and name.endswith(names) and len(value) > 15}
