"""The sample of a shop: what `make run` submits, watches to its end and accounts for."""
