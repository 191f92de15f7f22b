"""The sample of a shop: 1,000 submissions that `make run` submits, follows to their final results and reconciles."""
