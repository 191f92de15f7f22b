from dataclasses import replace
from pathlib import Path

import pytest

from app.local import kafka
from app.local.kafka import Java, config, prepare


@pytest.fixture
def java(tmp_path: Path) -> Java:
    return Java(Path("/java"), (Path("/jars/a.jar"), Path("/jars/b.jar")), tmp_path)


def read(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_configuration_is_one_durable_enough_node_on_loopback() -> None:
    settings = read(config(1111, 2222, Path("/data")))
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:1111,CONTROLLER://127.0.0.1:2222"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1111"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:2222"
    assert settings["log.dirs"] == "/data"
    assert settings["auto.create.topics.enable"] == "false"
    assert int(settings["message.max.bytes"]) >= 1.1 * 2**20
    assert {value for name, value in settings.items() if "replication.factor" in name} == {"1"}


def test_the_jvm_is_quick_to_start_unless_it_is_to_be_optimised(java: Java) -> None:
    assert kafka.FIRST_TIER in java.argv()
    assert kafka.FIRST_TIER not in replace(java, optimised=True).argv()
    assert java.argv("-Xx")[-2:] == ("-cp", "/jars/a.jar:/jars/b.jar")
    assert "-Xx" in java.argv("-Xx")


def test_an_aot_cache_is_used_once_it_exists_and_only_for_the_same_flags(java: Java) -> None:
    assert not java.replay
    java.archive.touch()
    assert java.replay == (f"-XX:AOTCache={java.archive}",)
    assert not replace(java, optimised=True).replay
    assert not replace(java, classpath=java.classpath[:1]).replay


def test_a_formatted_data_folder_is_left_as_it_is(java: Java, tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "meta.properties").touch()
    service = prepare(tmp_path, 1111, 2222, java)
    assert service.argv == (*java.argv(), "kafka.Kafka", str(tmp_path / "kafka.properties"))
    assert (tmp_path / "kafka.properties").read_text() == config(1111, 2222, tmp_path / "kafka")


def test_a_format_that_fails_tells_what_java_said(java: Java, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Kafka could not format its data folder:\nno java today"):
        prepare(tmp_path, 1111, 2222, replace(java, binary=script(tmp_path, "echo no java today; exit 1")))


def script(folder: Path, text: str) -> Path:
    path = folder / "java"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


async def test_nobody_on_the_port_is_not_ready() -> None:
    with pytest.raises(ConnectionRefusedError):
        await kafka.ready(1)
