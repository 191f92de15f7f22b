"""`herold webhook`: the signing secrets of customers' webhook endpoints."""

import click

from agents.providers.request import parse_url
from agents.providers.webhook_secret import decode_master_secret, derive_secret, encode_secret
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError
from app.cli.output import json_option, print_result


@click.group()
def webhook() -> None:
    """Show the signing secrets of customers' webhook endpoints.

    \b
    herold webhook secret u-partner-north hooks.example.org
    """


@webhook.command()
@click.argument("user")
@click.argument("host")
@json_option
def secret(user: str, host: str, as_json: bool) -> None:
    """Print the secret with which the webhooks of USER to HOST are signed, to be given to this customer only.

    HOST is a host name, or the URL of the endpoint; the port does not matter. The secret is derived from
    providers.webhook.master_secret.

    \b
    herold webhook secret u-partner-north https://hooks.example.org/orders
    """
    try:
        host_name = parse_url(host if "://" in host else f"https://{host}").host
    except ValueError as error:
        raise CommandError(f"{host} is not a host name or URL: {error}") from None
    try:
        master_secret = decode_master_secret(load_connection_profile().webhook_master_secret)
    except ValueError as error:
        raise CommandError(str(error), "set HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET to the master secret of the webhook workers") from None
    text = encode_secret(derive_secret(master_secret, user, host_name))
    print_result({"user_id": user, "host": host_name, "secret": text}, as_json, lambda entry: entry["secret"])
