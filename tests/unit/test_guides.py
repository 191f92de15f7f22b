"""The guides show commands in one way, so that each can be copied and run beside the stack of `make run`."""

import re
from pathlib import Path

import pytest

FOLDER = Path("docs/guide")
START = "README.md#try-the-commands"
GUIDES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
OTHER_WAYS = {
    r"(?m)(^|\$\(|\| *)herold ": "write .venv/bin/herold",
    r":\d{4}/|localhost": "write http://127.0.0.1:$PORT, because `make run` chooses the port",
    r"X-API-Key|HEROLD_GATEWAY_API_KEY": 'write -H "Authorization: Bearer $KEY"',
    r"\b[a-z]{3}_[0-9a-f]{32}": "take the id from a command, because nobody else has this one",
}


def read_commands(path: Path) -> str:
    return "\n".join(re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL))


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_a_guide_shows_commands_in_one_way(path: Path) -> None:
    commands = read_commands(path)
    assert {found[0]: advice for other, advice in OTHER_WAYS.items() if (found := re.search(other, commands))} == {}
    assert not commands or START in path.read_text(), f"say how to start the stack: link {START}"


def test_every_guide_is_listed() -> None:
    text = (FOLDER / "README.md").read_text()
    assert [path.name for path in GUIDES if f"]({path.name})" not in text] == []
