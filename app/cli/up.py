"""`herold up`: the whole Herold on this machine, until Ctrl-C; with `--sample` a shop's notifications travel through it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.failures import FAILED, UNREACHABLE, Failure
from app.demo.sample import SampleBroken
from app.local import jars, postgres, refuge
from app.local.kafka import find_java
from app.local.log import Say, prefixed
from app.local.service import StartFailed
from app.local.stack import HEROLD, AlreadyRunning, Stack, opened
from app.local.state import HomeUnusable, NoPort, home_folder
from app.local.supervisor import StopRequested
from app.local.warm import warm
from app.settings import load
from app.up import IMPORTS, NEXT, environment, prepare, stages
from schemas.errors import HeroldError, Unavailable

if TYPE_CHECKING:  # slow to import: not before the servers are on their way
    from app.demo.run import Result, SampleSettings

EXPECTED = (
    AlreadyRunning,
    HeroldError,
    HomeUnusable,
    NoPort,
    SampleBroken,
    StartFailed,
    jars.DownloadFailed,
    jars.LockBroken,
    postgres.WrongVersion,
    refuge.NotOurs,
)


@click.command()
@click.option("--sample", is_flag=True, help="Send the sample of a shop, 1,000 submissions, and show what became of each.")
@click.option("--once", is_flag=True, help="Stop after the sample: 0 only if all is accounted for; the last line is one JSON object.")
def up(sample: bool, once: bool) -> None:
    """Start everything on this machine, until Ctrl-C: servers, twins, roles and the gateway.

    Servers that KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL or REDIS_URL name are used instead of own ones.

    \b
    herold up --sample
    """
    try:
        load()  # a bad setting is told before anything starts
        result = asyncio.run(_up(home_folder(os.environ, Path.cwd()), sample or once, once))
    except StopRequested:
        result = None
    except EXPECTED as error:
        raise Failure(str(error), exit_code=UNREACHABLE if isinstance(error, Unavailable) else FAILED) from None
    if once:
        _end(result)
    click.echo("stopped")


def _end(result: Result | None) -> None:
    if result is not None:
        click.echo(result.json())
    sys.exit(0 if result is not None and result.ok else 1)


async def _up(home: Path, sample: bool, once: bool) -> Result | None:
    say = prefixed()
    progress = jars.in_lines(lambda line: say(HEROLD, line))
    async with opened(home, os.environ, say, progress=progress, imports=IMPORTS) as stack:
        say(HEROLD, f"starting in {home}; Ctrl-C stops")
        began = asyncio.get_running_loop().time()
        settings = environment(stack.state, stack.urls, os.environ)
        meanwhile = asyncio.create_task(asyncio.to_thread(_import_next))
        await stack.start(partial(prepare, settings), stages(stack.state, settings))
        await meanwhile
        from app.demo.run import sample_settings

        say(HEROLD, f"everything is ready after {asyncio.get_running_loop().time() - began:.1f} s")
        of = sample_settings(load({**os.environ, **settings}))
        result = await _sample(of, stack) if sample else None
        if not once:
            say(HEROLD, f"runs: {of.api_url}/docs; `{_command()} --help` in another terminal; Ctrl-C stops")
            await _stay(stack, say)
        return result


def _command() -> str:
    """How this program is called from this folder: by its name where a shell finds it."""
    return "herold" if shutil.which("herold") else os.path.relpath(sys.argv[0])


def _import_next() -> None:
    for module in NEXT:
        import_module(module)


async def _sample(settings: SampleSettings, stack: Stack) -> Result:
    from app.cli.screen import console
    from app.demo.run import run
    from app.demo.shown import Shown

    shown = Shown(console(), _command())
    result = await stack.supervisor.unless_stopped(run(settings, shown))
    shown.result(result, settings)
    return result


async def _stay(stack: Stack, say: Say) -> None:
    """Wait for Ctrl-C; meanwhile record the broker's start once, so that the next one is quicker."""
    warming = asyncio.create_task(_warm(stack, say))
    try:
        await stack.wait()
    finally:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)


async def _warm(stack: Stack, say: Say) -> None:
    if "kafka" not in stack.servers:
        return
    java = await asyncio.to_thread(find_java, lambda present, wanted: None)
    try:
        await warm(java, say, stack.note)
    except StartFailed as error:
        say(HEROLD, f"the broker's start could not be recorded, so the next one will be as slow as this one: {error}")
