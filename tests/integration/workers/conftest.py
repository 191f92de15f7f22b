"""A schema for the workers that are started here."""

from tests.database_fixtures import shared_database_url

__all__ = ["shared_database_url"]
