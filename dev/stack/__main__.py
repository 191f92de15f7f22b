"""`python -m dev.stack up|down|status|run|create-aot-cache`: the embedded servers without Herold, for tests and developers."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from app.settings import find_home_dir
from dev.stack import kafka, kafka_jars, stack, unprivileged_data_dir
from dev.stack.aot_cache import create_aot_cache
from dev.stack.background import LOG_FILE_NAME, start_supervisor, stop_supervisor, wait_until_ready
from dev.stack.process_output import LogSink, build_prefixed_sink
from dev.stack.process_registry import ProcessRegistry
from dev.stack.service import ServiceStartError
from dev.stack.stack_state import HomeDirError, StackState
from dev.stack.supervisor import StopRequested

EXPECTED_ERRORS = (
    stack.AlreadyRunningError,
    HomeDirError,
    ServiceStartError,
    kafka_jars.DownloadError,
    kafka_jars.LockFileError,
    unprivileged_data_dir.DirOwnerError,
)


def main() -> int:
    """Run one command; returns the exit code (3 for `status` if no run is active)."""
    arguments = _build_parser().parse_args()
    home = find_home_dir(os.environ, Path.cwd())
    commands = {"up": _start, "down": _stop, "status": _print_status, "run": _run, "create-aot-cache": _create_aot_cache}
    try:
        return commands[arguments.command](home, arguments)
    except EXPECTED_ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev.stack", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "run", "create-aot-cache"))
    parser.add_argument(
        "--only", nargs="+", choices=tuple(stack.URL_VARIABLES), default=list(stack.URL_VARIABLES), help="only these servers"
    )
    parser.add_argument("--c2", action="store_true", help="run Kafka's JVM with the C2 compiler (for benchmarks)")
    parser.add_argument("--no-fsync", action="store_true", help="PostgreSQL does not wait for the disk (for tests)")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input is closed (`run` only)")
    return parser


def _start(home: Path, arguments: argparse.Namespace) -> int:
    if stack.list_embedded_servers(os.environ, arguments.only):
        options = ["--only", *arguments.only, *(["--c2"] if arguments.c2 else []), *(["--no-fsync"] if arguments.no_fsync else [])]
        wait_until_ready(home, None if ProcessRegistry(home).find_supervisor() else start_supervisor(home, os.environ, options))
    StackState(home).create()
    urls = stack.resolve_server_urls(StackState(home), os.environ).to_env()
    for variable in (stack.URL_VARIABLES[name] for name in arguments.only):
        print(f"export {variable}={urls[variable]}")
    return 0


def _stop(home: Path, arguments: argparse.Namespace) -> int:
    if stop_supervisor(home):
        return 0
    print(f"error: the run in {home} does not stop: see {home / LOG_FILE_NAME}", file=sys.stderr)
    return 1


def _print_status(home: Path, arguments: argparse.Namespace) -> int:
    for name, record in ProcessRegistry(home).read().items():
        process = record.find_process()
        print(f"{name:<12}", f"pid {process.pid}, {process.memory_info().rss >> 20} MB" if process else "down")
    return 0 if ProcessRegistry(home).find_supervisor() else 3


def _run(home: Path, arguments: argparse.Namespace) -> int:
    log = build_prefixed_sink(sys.stdout)
    try:
        asyncio.run(_run_until_stopped(home, arguments, log))
    except StopRequested:
        log(stack.STACK_LOG_NAME, "stopped while starting")
    return 0


async def _run_until_stopped(home: Path, arguments: argparse.Namespace, log: LogSink) -> None:
    async with stack.open_stack(
        home,
        os.environ,
        log,
        on_progress=_build_progress_logger(log),
        only=arguments.only,
        use_c2=arguments.c2,
        use_fsync=not arguments.no_fsync,
    ) as running:
        if arguments.until_eof:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_on_eof, running)
        await running.start()
        await running.wait()


def _stop_on_eof(running: stack.Stack) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        running.supervisor.request_stop()


def _create_aot_cache(home: Path, arguments: argparse.Namespace) -> int:
    log = build_prefixed_sink(sys.stdout)
    asyncio.run(create_aot_cache(kafka.prepare_java_runtime(_build_progress_logger(log), use_c2=arguments.c2), log))
    return 0


def _build_progress_logger(log: LogSink) -> kafka_jars.ProgressCallback:
    return kafka_jars.build_progress_logger(lambda line: log(kafka.NAME, line))


if __name__ == "__main__":
    sys.exit(main())
