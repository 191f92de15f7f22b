"""`herold up`: the whole Herold on this machine, until Ctrl-C; with `--sample` a shop's notifications travel through it."""

import asyncio
import os
import sys
from pathlib import Path

import click
from rich.console import Console

from app.cli.failures import Failure
from app.cli.screen import console
from app.demo.run import Result, SampleSettings, run, sample_settings
from app.demo.sample import SampleBroken
from app.demo.shown import Shown
from app.demo.submit import NotTaken
from app.local import jars, postgres, refuge
from app.local.kafka import find_java
from app.local.log import Say, prefixed
from app.local.service import StartFailed
from app.local.stack import HEROLD, AlreadyRunning, Stack, opened
from app.local.state import NoPort, home_folder
from app.local.supervisor import StopRequested
from app.local.warm import warm
from app.settings import load
from app.up import IMPORTS, environment, prepare, services
from schemas.errors import HeroldError

EXPECTED = (
    AlreadyRunning,
    HeroldError,
    NoPort,
    NotTaken,
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
        result = asyncio.run(_up(home_folder(os.environ, Path.cwd()), sample or once, once))
    except StopRequested:
        result = None
        click.echo("stopped")
    except EXPECTED as error:
        raise Failure(str(error)) from None
    if once:
        _end(result)


def _end(result: Result | None) -> None:
    if result is not None:
        click.echo(result.json())
    sys.exit(0 if result is not None and result.ok else 1)


async def _up(home: Path, sample: bool, once: bool) -> Result | None:
    say, screen = prefixed(sys.stdout), console()
    progress = jars.in_lines(lambda line: say(HEROLD, line))
    async with opened(home, os.environ, say, progress=progress, imports=IMPORTS) as stack:
        say(HEROLD, f"starting in {home}; Ctrl-C stops")
        began = asyncio.get_running_loop().time()
        settings = environment(stack.state, stack.urls, os.environ)
        await stack.start(prepare, [services(stack.state, settings)])
        say(HEROLD, f"everything is ready after {asyncio.get_running_loop().time() - began:.1f} s")
        of = sample_settings(load({**os.environ, **settings}))
        result = await stack.supervisor.unless_stopped(_sample(of, screen)) if sample else None
        if once:
            return result
        _say_where(of, screen)
        warming = asyncio.create_task(_warm(stack, say))
        await stack.wait()
        warming.cancel()
        return result


async def _sample(settings: SampleSettings, screen: Console) -> Result:
    shown = Shown(screen)
    result = await run(settings, shown)
    shown.result(result, settings)
    return result


def _say_where(settings: SampleSettings, screen: Console) -> None:
    screen.print(f"Herold runs: {settings.api_url}/docs; `herold --help` in another terminal; Ctrl-C stops", soft_wrap=True)


async def _warm(stack: Stack, say: Say) -> None:
    """Record the broker's start once, in the background, so that the next one is quicker."""
    if "kafka" in stack.servers:
        java = await asyncio.to_thread(find_java, lambda present, wanted: None)
        await warm(java, say)
