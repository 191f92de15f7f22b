"""A database with the schema."""

from tests.database_fixtures import database, shared_database_url

__all__ = ["database", "shared_database_url"]
