"""`herold providers`: lists the accounts with which Herold delivers, pauses and resumes them."""

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.times import TIME_FORMATS, TimeParameter

PROVIDERS_PATH = "/v1/providers"


@click.group()
def providers() -> None:
    """List the accounts of providers, pause and resume them.

    \b
    herold providers list
    herold providers pause sendgrid --reason "the key is changed" --until +30m
    herold providers resume sendgrid
    """


@providers.command("list")
@add_gateway_options
@json_option
def list_providers(url: str | None, api_key: str | None, as_json: bool) -> None:
    """List the accounts with their breakers and pauses, how long their calls take, and why calls of the last hour failed.

    \b
    herold providers list
    """
    print_result(load_gateway_client(url, api_key).get(PROVIDERS_PATH), as_json, format_accounts)


@providers.command()
@click.argument("account")
@click.option("--reason", required=True, help="Why, for the audit log and whoever looks.")
@click.option("--until", "ends_at", type=TimeParameter(), metavar="TIME", help=f"Resume it by itself: {TIME_FORMATS}.")
@add_gateway_options
@json_option
def pause(account: str, reason: str, ends_at: Any, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Have no worker call ACCOUNT: a section of `providers` in faust.yml, or a webhook host.

    Within some seconds its deliveries wait, or go to another account of the channel. They use up no attempt, but they expire.

    \b
    herold providers pause sendgrid-backup --reason "it bounces too much"
    herold providers pause https://shop.example.org --reason "it moves" --until +2h
    """
    body = {"account": account, "reason": reason, "ends_at": ends_at}
    print_result(load_operator_client(url, api_key).change("POST", f"{PROVIDERS_PATH}/pause", body), as_json, _format_pause)


@providers.command()
@click.argument("account")
@click.option("--reason", default="", help="Why, for the audit log.")
@add_gateway_options
@json_option
def resume(account: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Have workers call ACCOUNT again: once at first, then more and more.

    \b
    herold providers resume sendgrid-backup --reason "it was a false alarm"
    """
    body = {"account": account, "reason": reason}
    ended = load_operator_client(url, api_key).change("POST", f"{PROVIDERS_PATH}/resume", body)
    print_result(ended, as_json, lambda pause: f"{pause['account']} is resumed")


def format_accounts(body: JsonObject) -> RenderableType:
    """The accounts, then the webhook hosts that are not called, then what is not known."""
    table = formatting.build_table("ACCOUNT", "CHANNEL", "WEIGHT", "CALLS/S", "USED NOW", "BREAKER", "P95", "ERRORS (1 h)")
    for item in body["items"]:
        table.add_row(*_build_row(item, body))
    parts: list[RenderableType] = [table]
    own = {item["name"] for item in body["items"]}
    hosts = {host["host"]: _describe_breaker(host["breaker"]) for host in body["stopped_hosts"]}
    hosts |= {pause["account"]: _describe_pause(pause) for pause in body["pauses"] if pause["account"] not in own}
    if hosts:
        others = formatting.build_table("WEBHOOK HOST", "BREAKER")
        for host, state in hosts.items():
            others.add_row(Text(host), Text(state))
        parts += [Text(), others]
    if not body["knows_breakers"]:
        parts.append(Text("Redis does not answer: breakers and used calls are not known", style="yellow"))
    if not body["knows_history"]:
        parts.append(Text("PostgreSQL does not answer: pauses, times and errors are not known", style="yellow"))
    return Group(*parts)


def _build_row(item: JsonObject, body: JsonObject) -> list[Text]:
    state = _describe_breaker(item["breaker"]) if body["knows_breakers"] else "not known"
    errors = ", ".join(_describe_error(error) for error in item["errors"])
    return [
        Text(f"{item['name']} (tests)" if item["is_test"] else item["name"]),
        Text(item["channel"]),
        Text(str(item["weight"])),
        Text(f"{item['calls_per_second']:g}" if item["calls_per_second"] else "no limit"),
        Text(_describe_use(item)),
        Text(_describe_pause(item["pause"]) if item["pause"] else state),
        Text("" if item["p95_ms"] is None else f"{item['p95_ms']:g} ms"),
        Text(errors),
    ]


def _describe_error(error: JsonObject) -> str:
    """How often a code came, and what it meant: one code may mean several things, and an unanswered call has none."""
    return " ".join([f"{error['count']} x", *([str(error["code"])] if error["code"] else []), error["outcome"].lower().replace("_", " ")])


def _describe_use(item: JsonObject) -> str:
    """How many of the calls that may be made at once are used."""
    if not item["call_burst"]:
        return ""
    return "not known" if item["calls_used"] is None else f"{item['calls_used']} of {item['call_burst']}"


def _describe_breaker(breaker: JsonObject | None) -> str:
    return f"open: {breaker['cause']}" if breaker else "closed"


def _describe_pause(pause: JsonObject) -> str:
    end = f" until {formatting.format_datetime(pause['ends_at'])}" if pause["ends_at"] else ""
    return f"paused{end}: {pause['reason']} ({pause['paused_by']})"


def _format_pause(pause: JsonObject) -> str:
    return f"{pause['account']} is {_describe_pause(pause)}"
