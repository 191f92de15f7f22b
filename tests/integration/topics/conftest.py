"""A schema for the workers that are started here."""

from tests.stores import shared_url

__all__ = ["shared_url"]
