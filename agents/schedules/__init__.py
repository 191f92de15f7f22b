"""Starts the runs of recurring schedules."""
