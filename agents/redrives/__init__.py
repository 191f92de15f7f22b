"""Redrives: decides which dead letters are sent again, and produces their records."""
