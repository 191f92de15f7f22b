from dataclasses import replace
from pathlib import Path

import pytest

from dev.stack import kafka
from dev.stack.kafka import JavaRuntime, build_config, prepare_service


@pytest.fixture
def java(tmp_path: Path) -> JavaRuntime:
    return JavaRuntime(Path("/java"), (Path("/jars/a.jar"), Path("/jars/b.jar")), tmp_path)


def parse_properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_configuration_is_a_single_node_on_loopback() -> None:
    config = parse_properties(build_config(1111, 2222, Path("/data")))
    assert config["listeners"] == "PLAINTEXT://127.0.0.1:1111,CONTROLLER://127.0.0.1:2222"
    assert config["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1111"
    assert config["controller.quorum.voters"] == "1@127.0.0.1:2222"
    assert config["log.dirs"] == "/data"
    assert config["auto.create.topics.enable"] == "false"
    assert int(config["message.max.bytes"]) >= 1.1 * 2**20
    assert {value for name, value in config.items() if "replication.factor" in name} == {"1"}


def test_the_jvm_has_no_c2_compiler_by_default(java: JavaRuntime) -> None:
    assert kafka.C1_ONLY_FLAG in java.build_argv()
    assert kafka.C1_ONLY_FLAG not in replace(java, use_c2=True).build_argv()
    assert java.build_argv("-Xx")[-2:] == ("-cp", "/jars/a.jar:/jars/b.jar")
    assert "-Xx" in java.build_argv("-Xx")


def test_an_aot_cache_is_used_once_it_exists_and_only_for_the_same_flags(java: JavaRuntime) -> None:
    assert not java.aot_cache_flags
    java.aot_cache_path.touch()
    assert java.aot_cache_flags == (f"-XX:AOTCache={java.aot_cache_path}",)
    assert not replace(java, use_c2=True).aot_cache_flags
    assert not replace(java, classpath=java.classpath[:1]).aot_cache_flags


def test_a_formatted_data_directory_is_not_formatted_again(java: JavaRuntime, tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "meta.properties").touch()
    service = prepare_service(tmp_path, 1111, 2222, java)
    assert service.argv == (*java.build_argv(), "kafka.Kafka", str(tmp_path / "kafka.properties"))
    assert (tmp_path / "kafka.properties").read_text() == build_config(1111, 2222, tmp_path / "kafka")


def test_a_failed_format_reports_the_output_of_java(java: JavaRuntime, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Kafka could not format its storage directory:\nno Java"):
        prepare_service(tmp_path, 1111, 2222, replace(java, binary=write_script(tmp_path, "echo no Java; exit 1")))


def write_script(directory: Path, text: str) -> Path:
    path = directory / "java"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


async def test_a_closed_port_is_not_ready() -> None:
    with pytest.raises(ConnectionRefusedError):
        await kafka.check_readiness(1)
