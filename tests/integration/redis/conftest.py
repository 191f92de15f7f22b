"""Stores over real servers."""

from tests.stores import database, own_database, own_url, shared_url

__all__ = ["database", "own_database", "own_url", "shared_url"]
