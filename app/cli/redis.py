"""`herold redis`: what Herold's user in Redis may do."""

import click

from app.cli.connection_profile import load_connection_profile
from app.cli.output import json_option, print_result
from tables.redis.acl import build_user_rules


@click.group()
def redis() -> None:
    """Print the rights of Herold's user in Redis.

    \b
    herold redis acl
    """


@redis.command()
@click.option("--user", default="herold", show_default=True, help="The name of the user.")
@json_option
def acl(user: str, as_json: bool) -> None:
    """Print the line of the user for an ACL file, or for ACL SETUSER; with redis.password, it has the hash of the password.

    \b
    herold redis acl --user herold
    """
    profile = load_connection_profile()
    rules = build_user_rules(profile.kafka.topic_prefix, profile.redis.password)
    print_result({"user": user, "rules": rules}, as_json, lambda result: " ".join(["user", result["user"], *result["rules"]]))
