"""`herold webhook secret` prints the secret with which the webhook worker signs."""

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from agents.providers.webhook import Webhook
from schemas.http import HttpRequest
from tests.delivery_builders import build_delivery
from tests.herold_runner import HeroldRunner
from tests.unit.app.cli.conftest import parse_json_output

MASTER_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENV = {"HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET": MASTER_SECRET}


@pytest.mark.parametrize("host", ["shop.example.org", "Shop.Example.org:443", "https://shop.example.org/hooks/1?of=42"])
def test_the_printed_secret_signs_the_webhooks_of_this_user_to_this_host(herold: HeroldRunner, host: str) -> None:
    import datetime

    now = datetime.datetime.now(tz=datetime.UTC).timestamp()
    request = Webhook(MASTER_SECRET).build_request(build_delivery("webhook"), 0, now)
    assert isinstance(request, HttpRequest)
    headers = {name: value for name, _, value in (line.partition(": ") for line in request.head.decode().split("\r\n")[1:-2])}
    secret = herold("webhook", "secret", "u-1", host, **ENV).stdout.strip()
    Verifier(secret).verify(request.body, headers)
    assert parse_json_output(herold("webhook", "secret", "u-1", host, "--json", **ENV)) == {
        "user_id": "u-1",
        "host": "shop.example.org",
        "secret": secret,
    }


def test_a_missing_master_secret_and_an_invalid_host_are_named(herold: HeroldRunner) -> None:
    missing = herold("webhook", "secret", "u-1", "shop.example.org")
    assert (missing.exit_code, "HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET" in missing.stderr) == (1, True)
    invalid = herold("webhook", "secret", "u-1", "no host", **ENV)
    assert (invalid.exit_code, "no host is not a host name" in invalid.stderr) == (1, True)
