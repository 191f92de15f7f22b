"""The operations by resource."""
