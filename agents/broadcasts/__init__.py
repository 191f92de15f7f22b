"""Expands broadcasts: a notification for each of their users."""
