"""What `herold providers list` shows."""

from io import StringIO

import msgspec
from rich.console import Console

from app.api.provider_bodies import EXAMPLE_PROVIDER_ACCOUNTS, ProviderAccount, ProviderAccounts, ProviderError
from app.cli.providers import format_accounts
from schemas.account_pauses import AccountPause


def render(accounts: ProviderAccounts) -> str:
    console = Console(width=220, file=StringIO())
    with console.capture() as captured:
        console.print(format_accounts(msgspec.to_builtins(accounts)))
    return captured.get()


def test_accounts_are_shown_with_breakers_pauses_and_errors() -> None:
    text = render(EXAMPLE_PROVIDER_ACCOUNTS)
    first, second = [line for line in text.splitlines() if line.startswith("sendgrid")]
    assert first.split() == ["sendgrid", "email", "80", "500", "37", "of", "100", "closed", "187.5", "ms"]
    assert ("no limit" in second, "paused until" in second, "the key is changed (ada)" in second, "3 x 401" in second) == (True,) * 4
    assert "https://shop.example.org:443  open: failures" in text


def test_errors_of_one_code_differ_and_an_unanswered_call_is_named() -> None:
    errors = [
        ProviderError(code, outcome, "", "", "", 3, 0.0)
        for code, outcome in ((400, "REJECTED_RECIPIENT"), (400, "THROTTLED"), (0, "UNKNOWN"))
    ]
    text = render(ProviderAccounts([ProviderAccount("twilio", "sms", 1, False, None, None, errors=errors)], knows_breakers=True))
    assert "3 x 400 rejected recipient, 3 x 400 throttled, 3 x unknown" in " ".join(text.split())


def test_what_is_not_known_is_shown() -> None:
    item = ProviderAccount("twilio", "sms", 1, True, 100.0, None, call_burst=20)
    text = render(ProviderAccounts([item], knows_breakers=False, knows_history=False))
    assert "twilio (tests)" in text
    (line,) = [line for line in text.splitlines() if line.startswith("twilio")]
    assert line.split()[-4:] == ["not", "known", "not", "known"]  # used calls, and the breaker
    assert "Redis does not answer" in text
    assert "PostgreSQL does not answer" in text


def test_paused_hosts_are_shown_below_the_accounts() -> None:
    pause = AccountPause("https://shop.example.org:443", "it moves", "ada", 1_796_000_000.0)
    assert "https://shop.example.org:443  paused: it moves (ada)" in render(ProviderAccounts([], True, pauses=[pause]))
