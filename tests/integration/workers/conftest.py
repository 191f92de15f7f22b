"""Databases with the schema for the workers of these tests."""

from tests.database_fixtures import cluster_database_url, cluster_template, shared_database_url

__all__ = ["cluster_database_url", "cluster_template", "shared_database_url"]
