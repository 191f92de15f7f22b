"""Runs `herold` in this process."""

from collections.abc import Callable

from click.testing import CliRunner, Result

from app.cli import main

HeroldRunner = Callable[..., Result]


def build_herold_runner(**default_env: str) -> HeroldRunner:
    """A function that runs `herold` with its arguments; its keyword arguments override the environment, None removes a variable."""

    def run(*args: str, **env: str | None) -> Result:
        return CliRunner().invoke(main, args, env={**default_env, **env})

    return run
