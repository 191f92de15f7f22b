"""The fixtures of databases."""

from tests.database_fixtures import database_copy, database_copy_url, shared_database_url

__all__ = ["database_copy", "database_copy_url", "shared_database_url"]
