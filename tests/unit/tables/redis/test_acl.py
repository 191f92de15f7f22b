"""The rights of Herold's user cover every command of the code and every family of keys."""

import re
from pathlib import Path

from tables.redis import keys
from tables.redis.acl import build_user_rules, list_commands, list_key_patterns

ROOT = Path(__file__).parents[4]
NO_COMMANDS = {"pipeline", "execute"}
NAMES = {"delete": "del", "script_load": "script|load"}  # of methods of the client that are not those of their commands


def test_every_command_that_python_sends_is_listed() -> None:
    sources = [file.read_text() for file in (ROOT / "tables/redis").glob("*.py")]
    names = {name for source in sources for name in re.findall(r"\b(?:redis|pipeline)\.([a-z_]+)\(", source)} - NO_COMMANDS
    sent = {NAMES.get(name, name) for name in names}
    assert sent <= set(list_commands()), "add them to CLIENT_COMMANDS"
    assert {"get", "set", "del", "mget"} <= sent


def test_every_call_of_a_script_is_found() -> None:
    scripts = {file.name: file.read_text() for file in (ROOT / "tables/redis/scripts").glob("*.lua")}
    calls = sum(script.count("redis.call(") + script.count("redis.pcall(") for script in scripts.values())
    assert calls == sum(len(re.findall(r"redis\.p?call\('[A-Za-z]+'", script)) for script in scripts.values())
    assert {"zadd", "setrange", "mget", "time"} <= set(list_commands())


def test_every_family_of_keys_has_a_pattern() -> None:
    families = [value for value in vars(keys).values() if isinstance(value, keys.KeyFamily)]
    assert list_key_patterns("p-") == sorted(family.build_key("p-", "*") for family in families)


def test_a_prefix_has_no_special_meaning() -> None:
    assert all(pattern.startswith(r"a\*b\[") for pattern in list_key_patterns("a*b["))


def test_the_rules_begin_with_no_right_and_show_no_password() -> None:
    rules = build_user_rules("p-", "pw")
    assert rules[:2] == ["reset", "on"]
    assert rules[2].startswith("#")
    assert len(rules[2]) == 65
    assert rules.index("-@all") < min(rules.index(rule) for rule in rules if rule.startswith("+"))
    assert build_user_rules("", "")[2] == ">PASSWORD"
