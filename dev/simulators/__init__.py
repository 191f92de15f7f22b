"""The providers' stand-ins in one process: same APIs, scripted faults, and a ledger of all they were asked to do (docs/simulators.md)."""
