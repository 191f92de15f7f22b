"""A database with the schema for the workers of these tests."""

from tests.database_fixtures import shared_database_url

__all__ = ["shared_database_url"]
