"""What Herold's user in Redis needs: its keys and its commands, and nothing that changes the server or reads other keys."""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from tables.redis import keys

CLIENT_COMMANDS: Final = ("get", "getdel", "set", "del", "ping", "select", "evalsha", "script|load")
"""What the client sends itself; the commands of the scripts come from their files."""

_find_script_commands = re.compile(r"redis\.p?call\('([A-Za-z]+)'").findall


def list_commands() -> list[str]:
    """The commands as rules of an ACL, in the order of their names."""
    scripts = (Path(__file__).parent / "scripts").glob("*.lua")
    names = {name.lower() for script in scripts for name in _find_script_commands(script.read_text("utf-8"))}
    return sorted({*names, *CLIENT_COMMANDS})


def list_key_patterns(prefix: str) -> list[str]:
    """The patterns of the keys of an installation; `prefix` is its topic prefix."""
    families = sorted(value.name for value in vars(keys).values() if isinstance(value, keys.KeyFamily))
    return [f"{_escape(prefix)}{name}:*" for name in families]


def build_user_rules(prefix: str, password: str) -> list[str]:
    """The rules of the user for `ACL SETUSER` or a line of an ACL file; without a password they have a placeholder."""
    secret = f"#{sha256(password.encode()).hexdigest()}" if password else ">PASSWORD"
    return ["reset", "on", secret, *_prepend("~", list_key_patterns(prefix)), "-@all", *_prepend("+", list_commands())]


def _prepend(sign: str, names: Sequence[str]) -> list[str]:
    return [sign + name for name in names]


def _escape(text: str) -> str:
    """The text without a special meaning in a pattern of Redis."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
