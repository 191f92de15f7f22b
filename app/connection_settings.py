"""The sections `kafka`, `postgres` and `redis` of faust.yml: how each process connects to the servers."""

from typing import Literal

from app.settings_types import ConsentSeconds, NonEmptyStr, PositiveInt, Seconds, Section


class KafkaSecuritySection(Section, frozen=True):
    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
    username: str
    password: str
    password_file: str
    token_file: str
    token_command: str
    ca_file: str
    certificate_file: str
    key_file: str
    key_password: str
    check_hostname: bool


class KafkaSection(Section, frozen=True):
    bootstrap_servers: NonEmptyStr
    topic_prefix: str
    topic_partitions: PositiveInt
    topic_replication_factor: PositiveInt
    min_insync_replicas: PositiveInt
    session_timeout: Seconds
    request_timeout: Seconds
    security: KafkaSecuritySection


class PostgresSection(Section, frozen=True):
    url: NonEmptyStr
    pool_max_size: PositiveInt
    retention_days: PositiveInt


class RedisSection(Section, frozen=True):
    url: NonEmptyStr
    socket_timeout: Seconds
    profile_ttl: PositiveInt
    profile_check_interval: ConsentSeconds
