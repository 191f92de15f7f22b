"""The providers of the contract suite: an instance of each, and how to read the delivery id from its requests."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from agents.providers.fcm import Fcm
from agents.providers.http_api import HttpApi
from agents.providers.http_api_file import ApiFile
from agents.providers.sendgrid import SendGrid
from agents.providers.twilio import Twilio
from agents.providers.webhook import Webhook
from schemas.outcome import Provider
from tests.delivery_builders import NO_EMAIL_ADDRESSES
from tests.fakes import FixedToken

SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


SMS_API = {
    "request": {
        "url": "https://api.sms.example.org/v1/messages?v=1",
        "headers": {"Authorization": "Bearer ${secret}", "Idempotency-Key": "{delivery_id}"},
        "json": {"to": ["{address}"], "text": "{text}", "ttl": "{expires_in}", "attempt": "{attempt}"},
    },
    "response": {"message_id": "sid"},
}
PUSH_API = {
    "request": {
        "url": "https://api.push.example.org/send",
        "basic_auth": {"username": "herold", "password": "${secret}"},
        "form": {"to": "{address}", "title": "{title}", "body": "{body}", "image": "{image?}", "id": "{delivery_id}"},
    },
    "response": {"message_id": "name", "error_code": "error.code"},
}


def build_http_api(channel: str, api: dict[str, object]) -> HttpApi:
    return HttpApi(msgspec.convert({"channel": channel, **api}, ApiFile), "secret-key")


class ProviderCase(NamedTuple):
    """A provider, the status code with which it accepts, addresses that it rejects, and how to read the delivery id from a request.

    `throttle_seconds` is how long it wants us to wait after a 429 that names no time.
    """

    provider: Provider
    accepted_status: int
    invalid_addresses: tuple[str, ...]
    read_delivery_id: Callable[[dict[str, str], bytes], str]
    secrets: tuple[str, ...] = ()
    throttle_seconds: float = 0.0


def _read_custom_args(headers: dict[str, str], body: bytes) -> str:
    return str(msgspec.json.decode(body)["personalizations"][0]["custom_args"]["delivery_id"])


def _read_callback(headers: dict[str, str], body: bytes) -> str:
    callback = parse_qs(body.decode(), strict_parsing=True)["StatusCallback"][0]
    return parse_qs(urlsplit(callback).query)["delivery"][0]


def _read_data(headers: dict[str, str], body: bytes) -> str:
    return str(msgspec.json.decode(body)["message"]["data"]["delivery_id"])


PROVIDER_CASES = {
    "sendgrid": ProviderCase(
        SendGrid("https://api.sendgrid.com", "SG.secret-key", "shop@example.org", "The Shop"),
        202,
        (
            "",
            "ada",
            "@example.org",
            "ada@",
            "a@b@c",
            "ada@example.org\r\nBcc: eve@example.org",
            "Ada <ada@example.org>",
            "a d@e",
            "a\u200b@e.org",
            "a@bücher.example",
            *NO_EMAIL_ADDRESSES,
        ),
        _read_custom_args,
        ("SG.secret-key",),
    ),
    "twilio": ProviderCase(
        Twilio(
            "https://api.twilio.com",
            "AC" + "0" * 30 + "17",
            "SK17",
            "secret-key",
            "+15005550006",
            "https://herold.example.org/callbacks/twilio",
        ),
        201,
        ("", "017012345", "+0170123456", "+4917012345678901", "+49 170 1234567", "+49170&To=+1", "+4917012345\n", "+٤٩١٧٠١٢٣"),
        _read_callback,
        ("secret-key",),
    ),
    "fcm": ProviderCase(
        Fcm("https://fcm.googleapis.com", "herold", FixedToken("secret-token")),
        200,
        ("", "two words", "tok\r\nen", "töken", "t" * 4097, "topic:", "topic:a b", "topic:a/b", "fid:", "fid:a b", "fid:a.b"),
        _read_data,
        ("secret-token",),
        60.0,
    ),
    "http_api sms": ProviderCase(
        build_http_api("sms", SMS_API),
        200,
        ("", "017012345", "+0170123456", "+4917012345678901", "+49 170 1234567", "+49170&To=+1", "+4917012345\n"),
        lambda headers, body: headers["idempotency-key"],
        ("secret-key",),
    ),
    "http_api push": ProviderCase(
        build_http_api("push", PUSH_API),
        200,
        ("", "two words", "tok\r\nen", "töken", "t" * 4097),
        lambda headers, body: parse_qs(body.decode(), strict_parsing=True)["id"][0],
        ("secret-key",),
    ),
    "webhook": ProviderCase(
        Webhook(SECRET),
        204,
        (
            "",
            "shop.example.org/hooks",
            "ftp://shop.example.org/",
            "http://shop.example.org/",
            "https://user:pw@shop.example.org/",
            "https:///hooks",
            "https://shop.example.org:0x1/",
            "https://shop.example.org:99999/",
            "https://shop.example.org/\r\nX-Admin: 1",
            "https://shop.example.org/a b",
            "https://shop.example.org\\@evil.example.org/",
            "https://shop.example.org\\.evil.example.org/",
            "https://[::1/",
            "https://höhe.example.org/",
            "https://-x.example.org/",
        ),
        lambda headers, body: headers["webhook-id"],
        (SECRET,),
    ),
}
