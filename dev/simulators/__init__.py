"""Simulators of the providers in one process: same API, scripted faults, and a log of all requests (docs/simulators.md)."""
