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

from app.cli.errors import EXIT_FAILED, EXIT_UNREACHABLE, CommandError
from app.settings import load_settings
from dev.sample.sample_file import SampleFileError
from dev.stack import kafka_jars, postgres, unprivileged_data_dir
from dev.stack.aot_cache import create_aot_cache
from dev.stack.herold_services import DEFERRED_MODULES, PRELOADED_MODULES, build_environment, build_start_stages, provision
from dev.stack.kafka import prepare_java_runtime
from dev.stack.process_output import LogSink, build_prefixed_sink
from dev.stack.service import ServiceStartError
from dev.stack.stack import STACK_LOG_NAME, AlreadyRunningError, Stack, open_stack
from dev.stack.stack_state import HomeDirError, NoFreePortError, resolve_home_dir
from dev.stack.supervisor import StopRequested
from schemas.errors import HeroldError, UnavailableError

if TYPE_CHECKING:  # slow to import: not before the servers are on their way
    from dev.sample.runner import SampleResult, SampleSettings

EXPECTED_ERRORS = (
    AlreadyRunningError,
    HeroldError,
    HomeDirError,
    NoFreePortError,
    SampleFileError,
    ServiceStartError,
    kafka_jars.DownloadError,
    kafka_jars.LockFileError,
    postgres.IncompatibleDataDirError,
    unprivileged_data_dir.DirOwnerError,
)


@click.command()
@click.option("--sample", is_flag=True, help="Send the sample of a shop, 1,000 submissions, and show what became of each.")
@click.option("--once", is_flag=True, help="Stop after the sample: 0 only if all is accounted for; the last line is one JSON object.")
def up(sample: bool, once: bool) -> None:
    """Start everything on this machine, until Ctrl-C: servers, simulators, roles and the gateway.

    Servers that KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL or REDIS_URL name are used instead of own ones.

    \b
    herold up --sample
    """
    try:
        load_settings()  # a bad setting is told before anything starts
        result = asyncio.run(_run_stack(resolve_home_dir(os.environ, Path.cwd()), sample or once, once))
    except StopRequested:
        result = None
    except EXPECTED_ERRORS as error:
        raise CommandError(str(error), exit_code=EXIT_UNREACHABLE if isinstance(error, UnavailableError) else EXIT_FAILED) from None
    if once:
        _exit_with_result(result)
    click.echo("stopped")


def _exit_with_result(result: SampleResult | None) -> None:
    if result is not None:
        click.echo(result.to_json())
    sys.exit(0 if result is not None and result.ok else 1)


async def _run_stack(home: Path, sample: bool, once: bool) -> SampleResult | None:
    say = build_prefixed_sink()
    progress = kafka_jars.build_progress_logger(lambda line: say(STACK_LOG_NAME, line))
    async with open_stack(home, os.environ, say, on_progress=progress, preload_modules=PRELOADED_MODULES) as stack:
        say(STACK_LOG_NAME, f"starting in {home}; Ctrl-C stops")
        began = asyncio.get_running_loop().time()
        settings = build_environment(stack.state, stack.urls, os.environ)
        meanwhile = asyncio.create_task(asyncio.to_thread(_import_deferred_modules))
        await stack.start(partial(provision, settings), build_start_stages(stack.state, settings))
        await meanwhile
        from dev.sample.runner import build_sample_settings

        say(STACK_LOG_NAME, f"everything is ready after {asyncio.get_running_loop().time() - began:.1f} s")
        of = build_sample_settings(load_settings({**os.environ, **settings}))
        result = await _run_sample(of, stack) if sample else None
        if not once:
            say(STACK_LOG_NAME, f"runs: {of.api_url}/docs; `{_get_program_name()} --help` in another terminal; Ctrl-C stops")
            await _wait_until_stopped(stack, say)
        return result


def _get_program_name() -> str:
    """How this program is called from this folder: by its name where a shell finds it."""
    return "herold" if shutil.which("herold") else os.path.relpath(sys.argv[0])


def _import_deferred_modules() -> None:
    for module in DEFERRED_MODULES:
        import_module(module)


async def _run_sample(settings: SampleSettings, stack: Stack) -> SampleResult:
    from app.cli.output import build_console
    from dev.sample.console_report import ConsoleReport
    from dev.sample.runner import run_sample

    shown = ConsoleReport(build_console(), _get_program_name())
    result = await stack.supervisor.run_unless_stopped(run_sample(settings, shown))
    shown.print_result(result, settings)
    return result


async def _wait_until_stopped(stack: Stack, say: LogSink) -> None:
    """Wait for Ctrl-C; meanwhile record the broker's start once, so that the next one is quicker."""
    warming = asyncio.create_task(_record_aot_cache(stack, say))
    try:
        await stack.wait()
    finally:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)


async def _record_aot_cache(stack: Stack, say: LogSink) -> None:
    if "kafka" not in stack.embedded_servers:
        return
    java = await asyncio.to_thread(prepare_java_runtime, lambda present, wanted: None)
    try:
        await create_aot_cache(java, say, stack.update_process)
    except ServiceStartError as error:
        say(STACK_LOG_NAME, f"the AOT cache could not be created: the next start will be as slow as this one: {error}")
