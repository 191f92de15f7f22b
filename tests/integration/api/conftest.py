"""The fixtures of databases."""

from tests.database_fixtures import database, database_copy, database_copy_url, shared_database_url

__all__ = ["database", "database_copy", "database_copy_url", "shared_database_url"]
