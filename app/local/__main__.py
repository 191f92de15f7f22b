"""`python -m app.local up|down|status|run|warm`: the three servers alone, for tests and developers."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from app.local import jars, kafka, refuge, stack
from app.local.launch import LOG, await_ready, bring_down, launch
from app.local.log import Say, prefixed
from app.local.processes import Processes
from app.local.service import StartFailed
from app.local.state import HomeUnusable, State, home_folder
from app.local.supervisor import StopRequested
from app.local.warm import warm

EXPECTED = (stack.AlreadyRunning, HomeUnusable, StartFailed, jars.DownloadFailed, jars.LockBroken, refuge.NotOurs)


def main() -> int:
    """Run one command; returns its exit code (status: 3 if nothing runs)."""
    arguments = _parser().parse_args()
    home = home_folder(os.environ, Path.cwd())
    commands = {"up": _up, "down": _down, "status": _status, "run": _run, "warm": _warm}
    try:
        return commands[arguments.command](home, arguments)
    except EXPECTED as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.local", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "run", "warm"))
    parser.add_argument("--only", nargs="+", choices=tuple(stack.VARIABLES), default=list(stack.VARIABLES), help="these servers alone")
    parser.add_argument("--c2", action="store_true", help="Kafka's JVM with its optimising compiler (for benches)")
    parser.add_argument("--until-eof", action="store_true", help="run: stop when standard input is closed")
    return parser


def _up(home: Path, arguments: argparse.Namespace) -> int:
    if stack.embedded(os.environ, arguments.only):
        words = ["--only", *arguments.only, *(["--c2"] if arguments.c2 else [])]
        await_ready(home, None if Processes(home).supervisor() else launch(home, os.environ, words))
    State(home).make()
    urls = stack.urls_of(State(home), os.environ).env()
    for variable in (stack.VARIABLES[name] for name in arguments.only):
        print(f"export {variable}={urls[variable]}")
    return 0


def _down(home: Path, arguments: argparse.Namespace) -> int:
    if bring_down(home):
        return 0
    print(f"error: the run in {home} does not stop; see {home / LOG}", file=sys.stderr)
    return 1


def _status(home: Path, arguments: argparse.Namespace) -> int:
    known = Processes(home).read()
    for name, process in ((name, one.process()) for name, one in known.items()):
        print(f"{name:<12}", f"pid {process.pid}, {process.memory_info().rss >> 20} MB" if process else "down")
    return 0 if Processes(home).supervisor() else 3


def _run(home: Path, arguments: argparse.Namespace) -> int:
    say = prefixed(sys.stdout)
    try:
        asyncio.run(_run_until_stopped(home, arguments, say))
    except StopRequested:
        say(stack.HEROLD, "stopped while starting")
    return 0


async def _run_until_stopped(home: Path, arguments: argparse.Namespace, say: Say) -> None:
    async with stack.opened(home, os.environ, say, progress=_progress(say), only=arguments.only, optimised=arguments.c2) as running:
        if arguments.until_eof:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_eof, running)
        await running.start()
        await running.wait()


def _stop_at_eof(running: stack.Stack) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        running.supervisor.request_stop()


def _warm(home: Path, arguments: argparse.Namespace) -> int:
    say = prefixed(sys.stdout)
    asyncio.run(warm(kafka.find_java(_progress(say), optimised=arguments.c2), say))
    return 0


def _progress(say: Say) -> jars.Progress:
    return jars.in_lines(lambda line: say(kafka.NAME, line))


if __name__ == "__main__":
    sys.exit(main())
