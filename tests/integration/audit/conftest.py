"""The fixtures of databases."""

from tests.column_sealing import sealing_mode
from tests.database_fixtures import database, database_copy, database_copy_url, shared_database_url

__all__ = ["database", "database_copy", "database_copy_url", "sealing_mode", "shared_database_url"]
