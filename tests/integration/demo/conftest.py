"""A history with its schema."""

from tests.stores import database, shared_url

__all__ = ["database", "shared_url"]
