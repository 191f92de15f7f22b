"""`herold up`: runs all of Herold on this machine; with `--sample` it also sends the sample notifications of a shop."""

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
from app.settings import Settings, find_home_dir, load_settings
from dev.sample.sample_file import SampleFileError
from dev.sample.settings import RUN_TIMEOUT, SampleSettings, build_sample_settings
from dev.stack import kafka_jars, postgres, unprivileged_data_dir
from dev.stack.aot_cache import create_aot_cache
from dev.stack.herold_services import DEFERRED_MODULES, PRELOADED_MODULES, build_environment, build_start_stages, provision
from dev.stack.kafka import prepare_java_runtime
from dev.stack.process_output import LogSink, build_prefixed_sink
from dev.stack.service import ServiceStartError
from dev.stack.stack import STACK_LOG_NAME, AlreadyRunningError, Stack, open_stack
from dev.stack.stack_state import HomeDirError, NoFreePortError
from dev.stack.supervisor import StopRequested
from schemas.errors import HeroldError, UnavailableError

if TYPE_CHECKING:  # slow to import; imported while the servers start
    from dev.sample.result import SampleResult

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
@click.option("--sample", is_flag=True, help="Send the sample of a shop, 1,000 submissions, and show the results.")
@click.option(
    "--once",
    is_flag=True,
    help="Stop after the sample. The exit code is 0 only if all ended as expected, without duplicates; the last line is a JSON object.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=RUN_TIMEOUT,
    show_default=True,
    help="Seconds in which the sample must end; a slow machine needs more.",
)
def up(sample: bool, once: bool, timeout: float) -> None:
    """Run servers, simulators, the gateway and a worker of each role on this machine until Ctrl-C.

    External servers that KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL or REDIS_URL name replace the embedded ones.

    \b
    herold up --sample
    """
    try:
        load_settings()  # reports an invalid setting before anything starts
        result = asyncio.run(_run_stack(find_home_dir(os.environ, Path.cwd()), sample or once, once, timeout))
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


async def _run_stack(home: Path, sample: bool, once: bool, timeout: float) -> SampleResult | None:
    log = build_prefixed_sink()
    log_progress = kafka_jars.build_progress_logger(lambda line: log(STACK_LOG_NAME, line))
    async with open_stack(home, os.environ, log, on_progress=log_progress, preload_modules=PRELOADED_MODULES) as stack:
        log(STACK_LOG_NAME, f"starting in {home}; Ctrl-C stops")
        started_at = asyncio.get_running_loop().time()
        env = build_environment(stack.state, stack.urls, os.environ)
        import_task = asyncio.create_task(asyncio.to_thread(_import_deferred_modules))
        await stack.start(partial(provision, env), build_start_stages(stack.state, env))
        await import_task
        log(STACK_LOG_NAME, f"everything is ready after {asyncio.get_running_loop().time() - started_at:.1f} s")
        all_settings = load_settings({**os.environ, **env})
        settings = build_sample_settings(all_settings, timeout)
        result = await _run_sample(settings, stack, is_ending=once) if sample else None
        if not once:
            log(STACK_LOG_NAME, f"what arrives at the simulated providers: {settings.simulators_url}/inbox")
            log(STACK_LOG_NAME, f"the dashboard: {settings.api_url}/dashboard/")
            log(STACK_LOG_NAME, await _describe_link(stack, all_settings))
            log(STACK_LOG_NAME, f"running: {settings.api_url}/docs; `{_get_program_name()} --help` in another terminal; Ctrl-C stops")
            await _wait_until_stopped(stack, log)
        return result


async def _describe_link(stack: Stack, settings: Settings) -> str:
    from dev.stack.links import describe_dashboard_link

    return await stack.supervisor.run_unless_stopped(describe_dashboard_link(settings))


def _get_program_name() -> str:
    """The command that runs this program from the current directory: its name if it is on the PATH, otherwise its path."""
    return "herold" if shutil.which("herold") else os.path.relpath(sys.argv[0])


def _import_deferred_modules() -> None:
    for module in DEFERRED_MODULES:
        import_module(module)


async def _run_sample(settings: SampleSettings, stack: Stack, *, is_ending: bool) -> SampleResult:
    from app.cli.output import build_console
    from dev.sample.console_report import ConsoleReport
    from dev.sample.runner import run_sample

    report = ConsoleReport(build_console(), _get_program_name())
    result = await stack.supervisor.run_unless_stopped(run_sample(settings, report))
    report.print_result(result)
    if not is_ending:
        report.print_next_steps(result, settings)
    return result


async def _wait_until_stopped(stack: Stack, log: LogSink) -> None:
    """Wait for Ctrl-C; meanwhile create the AOT cache of Kafka's JVM if it does not exist, so that the next start is faster."""
    cache_task = asyncio.create_task(_create_aot_cache(stack, log))
    try:
        await stack.wait()
    finally:
        cache_task.cancel()
        await asyncio.gather(cache_task, return_exceptions=True)


async def _create_aot_cache(stack: Stack, log: LogSink) -> None:
    if "kafka" not in stack.embedded_servers:
        return
    java = await asyncio.to_thread(prepare_java_runtime, lambda present, total: None)
    try:
        await create_aot_cache(java, log, stack.update_process)
    except ServiceStartError as error:
        log(STACK_LOG_NAME, f"the AOT cache could not be created; the next start takes as long as this one: {error}")
